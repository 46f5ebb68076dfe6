"""What tests share: a tiny task that a tiny network learns in seconds."""

import os
import random

import hypothesis
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny products: torch's threads would wait for each other
# JAX compiles every shape of every tiny network, and most of that time is optimising: not worth it here.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 " + os.environ.get("XLA_FLAGS", "")

from zoo.presets import Data, Preset, Training

RUN_ON = {  # folders and files whose results do not depend on the backend: the one that runs them, the quickest
    **dict.fromkeys(("cli", "data", "metrics", "readers", "runtime", "text", "tokenizers"), "torch"),
    **dict.fromkeys(("test_catalog", "test_config", "test_imports", "test_names"), "torch"),
    **dict.fromkeys(("test_extend", "test_registration", "test_types"), "torch"),
    **dict.fromkeys(("test_graph_tokenizer", "test_graph_windows"), "tensorflow"),
}

GOOD = ["great", "lovely", "superb", "fine", "wonderful", "happy"]
BAD = ["awful", "boring", "dull", "poor", "horrid", "sad"]
FILLER = ["the", "film", "was", "a", "story", "with", "some", "people", "in", "it", "and", "then", "more", "of", "that"]


def pytest_configure(config):
    """Quick runs try fewer examples of Hypothesis on JAX and TensorFlow, which compile for each shape."""
    import keras

    if config.option.markexpr and keras.config.backend() != "torch":
        hypothesis.settings.register_profile("few", max_examples=25)
        hypothesis.settings.load_profile("few")


@pytest.hookimpl(tryfirst=True)  # before pytest selects by mark
def pytest_collection_modifyitems(config, items):
    """Quick runs leave out what `RUN_ON` has on another backend.

    On JAX and TensorFlow, which compile, they take the first and the last of a test's parameters, unless `all_or_few`
    has chosen among them.
    """
    import keras

    backend, tests = keras.config.backend(), {}
    for item in items:
        tests.setdefault((item.path, item.parent, getattr(item, "originalname", item.name)), []).append(item)
    for (path, *_), cases in tests.items():
        parts = path.relative_to(config.rootpath).with_suffix("").parts
        chosen = backend == "torch" or any(case.get_closest_marker("slow") for case in cases)
        elsewhere = {RUN_ON[part] for part in parts if part in RUN_ON} - {backend}
        for case in cases if elsewhere else [] if chosen else cases[1:-1]:
            case.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", autouse=True)
def seeds():
    """What is drawn at random is the same in each run of a file, whatever ran before it."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def reviews(tmp_path_factory):
    """A folder with train.tsv, valid.tsv and test.tsv: texts of 2 to 6 words whose one telling word gives the label."""
    folder, rng = tmp_path_factory.mktemp("reviews"), random.Random(0)
    for split, rows in {"train": 96, "valid": 32, "test": 32}.items():
        lines = ["text\tlabel"]
        for i in range(rows):
            words = [*rng.choices(FILLER, k=rng.randint(1, 5)), rng.choice((BAD, GOOD)[i % 2])]
            rng.shuffle(words)
            lines.append(" ".join(words) + "\t" + ("bad", "good")[i % 2])
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def tiny(reviews):
    """A preset that learns `reviews`: a convolutional network with dropout, so that random states matter."""
    from zoo.architectures.text_cnn import TextCNN
    from zoo.objectives.classify_text import ClassifyText
    from zoo.tokenizers.words import Words

    return Preset(
        architecture=TextCNN(width=16, filters=16, kernels=(1, 2), dropout=0.2),
        objective=ClassifyText(length=16),
        tokenizer=Words(),
        data=Data(spec=str(reviews)),
        training=Training(epochs=4, batch_size=8, learning_rate=3e-2, patience=0),
    )


@pytest.fixture(scope="session")
def model_folder(reviews, tmp_path_factory):
    """A model folder that a training run on `reviews` left."""
    import zoo
    from zoo.architectures.averaging import Averaging
    from zoo.objectives.classify_text import ClassifyText
    from zoo.tokenizers.words import Words

    folder = tmp_path_factory.mktemp("models") / "tiny"
    preset = Preset(
        architecture=Averaging(width=16),
        objective=ClassifyText(length=16),
        tokenizer=Words(),
        data=Data(spec=str(reviews)),
        training=Training(epochs=8, batch_size=16, learning_rate=2e-2),
    )
    zoo.train(preset, to=folder)
    return folder
