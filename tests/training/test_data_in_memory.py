"""Models trained on data in memory: saved, loaded, evaluated, asked and resumed."""

from dataclasses import replace

import pandas as pd
import pytest

import zoo
from zoo import config
from zoo.presets import Data


@pytest.fixture(scope="module")
def frames(reviews):
    """The splits of `reviews` as data frames."""
    names = {"train": "train", "validation": "valid", "test": "test"}
    return {split: pd.read_csv(reviews / f"{name}.tsv", sep="\t") for split, name in names.items()}


@pytest.fixture
def untrained(tiny):
    """A preset without data."""
    return replace(tiny, data=Data())


def test_as_from_files(tiny, untrained, frames, tmp_path):
    pipeline = zoo.train(untrained, data=frames, to=tmp_path / "memory")
    assert pipeline.scores == zoo.train(tiny, to=tmp_path / "files").scores
    assert pipeline.evaluate() == pipeline.evaluate(frames) == pytest.approx(pipeline.scores["test"], rel=1e-5)
    assert pipeline.evaluate(frames["test"]) == pipeline.evaluate(frames["test"].to_dict("list"))

    loaded = zoo.load(tmp_path / "memory")
    assert loaded.evaluate(frames) == pytest.approx(pipeline.evaluate(), rel=1e-5)
    assert loaded.preset.data.spec.startswith("memory:")
    with pytest.raises(zoo.UserError, match=r"^Data in memory.*is not saved: give data=.*Received: 'memory:\w{16}'\.$"):
        loaded.evaluate()


def test_predict(untrained, frames, tmp_path):
    pipeline = zoo.train(untrained, data=frames["train"], to=tmp_path / "model", columns={"text": "text"})
    texts = frames["test"]["text"].head(5)
    expected = [answer["label"] for answer in pipeline.predict(list(texts))]
    frame = pd.DataFrame({"text": texts})
    forms = [frame, frame.to_dict("records"), frame.to_dict("list"), iter(frame.to_dict("records")), texts, iter(texts)]
    for data in forms:
        assert [answer["label"] for answer in pipeline.predict(data)] == expected
    renamed = frame.rename(columns={"text": "body"})
    assert [answer["label"] for answer in pipeline.predict(renamed, columns={"text": "body"})] == expected
    assert pipeline.predict({"text": texts.iloc[0]})["label"] == expected[0]
    with pytest.raises(zoo.UserError, match=r"Expected a column 'text' at row 0 of data \(from 0\).*'body'"):
        pipeline.predict(renamed)


def test_predict_takes_dicts_with_the_standard_names_too(untrained, frames, tmp_path):
    frame = frames["train"].rename(columns={"text": "body"})
    pipeline = zoo.train(untrained, data=frame, to=tmp_path / "model", columns={"text": "body"})
    answers = [pipeline.predict([{name: "a great film"}])[0]["label"] for name in ("text", "body")]
    assert answers == [pipeline.predict({"text": "a great film"})["label"]] * 2


def test_only_the_same_data_resumes_a_run(untrained, frames, tmp_path, monkeypatch):
    from zoo.training.fit import FitLoop

    def stop(loop):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FitLoop, "run_stages", stop)
        with pytest.raises(KeyboardInterrupt):
            zoo.train(untrained, data=frames, to=tmp_path / "model")
    for data in (frames["train"], {**frames, "test": frames["test"].tail(9)}):
        with pytest.raises(zoo.UserError, match=r"Received: another data\.spec\."):
            zoo.train(untrained, data=data, to=tmp_path / "model", resume=True)
    same = {split: frame.to_dict("records") for split, frame in frames.items()}
    assert zoo.train(untrained, data=same, to=tmp_path / "model", resume=True).scores


def test_a_preset_may_hold_the_data(untrained, frames, tmp_path):
    pipeline = zoo.train(replace(untrained, data=Data(spec=frames)), to=tmp_path / "model")
    assert set(pipeline.scores) == {"validation", "test"}
    assert config.from_json((tmp_path / "model" / "preset.json").read_text()).data == pipeline.preset.data
