# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""A script as a user writes it. It is type-checked, strictly, and never run: see tests/test_types.py."""

from dataclasses import replace
from pathlib import Path

import zoo
from zoo.architectures.lstm import LSTM
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers.words import Words


def train(folder: Path) -> zoo.Pipeline:
    preset = Preset(
        architecture=LSTM(width=32),
        objective=ClassifyText(labels=("good", "bad")),
        tokenizer=Words(vocabulary=1000, whitespace=True),
        data=Data(spec="reviews.tsv", columns={"text": "review"}),
        training=Training(epochs=2, learning_rate=1e-3),
    )
    preset = replace(preset, training=replace(preset.training, batch_size=16))
    return zoo.train(preset, to=folder, overrides=["training.seed=1"])


def use(folder: Path) -> list[str]:
    pipeline = zoo.load(folder)
    tokenizer: Tokenizer = pipeline.tokenizer
    ids: list[int] = tokenizer.encode("a text", length=8).ids.tolist()
    print(pipeline.predict("a text"), ids, pipeline.evaluate()["accuracy"] > 0.5, tokenizer.decode(ids))
    exported: Path = pipeline.export(folder / "1")
    print(exported)
    return pipeline.generator(max_new_tokens=8).generate([{"text": "Once"}])[0][0].text.split()


def mistakes(folder: Path) -> None:
    """Each comment is itself an error where the checker finds no mistake in the line."""
    pipeline = zoo.load(folder)
    pipeline.generate("Once", temprature=0.7)  # pyright: ignore[reportCallIssue]
    pipeline.generate("Once", top_k="many")  # pyright: ignore[reportArgumentType]
    Training(epochs="two")  # pyright: ignore[reportArgumentType]
    Words(spaced=True)  # pyright: ignore[reportCallIssue]
    zoo.train("lstm_sst2", too=folder)  # pyright: ignore[reportCallIssue]
    pipeline.tokenizer.encode(5)  # pyright: ignore[reportArgumentType]
