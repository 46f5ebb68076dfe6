"""Fixtures of all tests: a tiny task that a tiny network learns in seconds."""

import gc
import os
import random
import tempfile
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tensors are tiny: torch's threads would wait for each other
# JAX compiles every shape of every tiny network, and most of that time is optimising: not worth it here.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 " + os.environ.get("XLA_FLAGS", "")

import keras

from zoo.presets import Data, Preset, Training

RUN_ON = {  # folders, files and tests whose results do not depend on the backend: the backend that runs them
    **dict.fromkeys(("cli", "data", "metrics", "readers", "runtime", "text"), "torch"),
    **dict.fromkeys(("test_catalog", "test_config", "test_imports", "test_names"), "torch"),
    **dict.fromkeys(("test_extend", "test_registration", "test_types"), "torch"),
    **dict.fromkeys(("test_hf_export", "test_keras_hub", "test_resize", "test_warm_start"), "torch"),
    **dict.fromkeys(("test_adapters", "test_model_soup", "test_quantized_backbone", "test_two_passes"), "torch"),
    **dict.fromkeys(("test_constraints", "test_text_generator", "test_transformers"), "torch"),
    **dict.fromkeys(("test_both_are_learned_at_once", "test_every_tokenizer_will_do"), "torch"),
    **dict.fromkeys(("test_bad_folders", "test_build_with_weights", "test_published_configs"), "torch"),
    **dict.fromkeys(("test_published_settings", "test_safetensors", "test_sentence_transformers"), "torch"),
    **dict.fromkeys(("test_advice", "test_baselines", "test_data_columns", "test_data_in_memory"), "torch"),
    **dict.fromkeys(("test_environment", "test_mistakes", "test_model_card", "test_notebook"), "torch"),
    **dict.fromkeys(("test_run_folders", "test_search", "test_selection", "test_start_advice"), "torch"),
    **dict.fromkeys(("test_tfidf_baseline", "test_tracking", "test_word_vectors"), "torch"),
    **dict.fromkeys(("test_batch_inference", "test_damaged_folders", "test_summary"), "torch"),
    **dict.fromkeys(("test_a_full_disk_keeps_the_last_checkpoint",), "torch"),
    "test_many_configurations": "torch",
    **dict.fromkeys(("test_explanation", "test_variants", "test_text_run", "test_terms", "test_filters"), "torch"),
    **dict.fromkeys(("test_beam_tree", "test_generation_steps", "test_logit_lens"), "torch"),
    **dict.fromkeys(("test_corpus_search", "test_corpus_text", "test_text_comparison", "test_token_text"), "torch"),
    "test_a_planted_pattern_is_found": "",  # all backends
    "course": "torch",
    "serving": "tensorflow",
    **dict.fromkeys(("test_explanation_page", "test_page_build", "test_page_data"), "tensorflow"),
    "test_page_of_pipelines": "tensorflow",
    "export": "tensorflow",  # other backends export in a process that runs TensorFlow
    "test_scripts": "tensorflow",
    **dict.fromkeys(("test_attention_views", "test_characters_have_the_states_of_their_word"), "torch"),
    "test_traces_of_half_precision_layers_are_near_the_outputs": "tensorflow",  # which mixes no dtypes
    "test_a_served_model_answers_as_predict_does": "",  # all backends
}

ONCE = (  # those that no run of scripts/check.sh, not --all either, repeats on other backends
    *("data", "metrics", "readers", "runtime", "text", "test_catalog", "test_config", "test_names", "test_types"),
    *(
        "test_many_configurations",
        "test_scripts",
        "serving",
        "cli",
        "course",
        "test_corpus_text",
        "test_text_comparison",
        "test_token_text",
        "test_a_text_a_record_and_a_list_are_explained_alike",
        "test_a_full_disk_keeps_the_last_checkpoint",
        "test_arguments_of_another_type_are_refused",
    ),
    *("test_explanation_page", "test_page_build", "test_page_data", "test_page_of_pipelines"),
    *("test_a_program_without_python_answers_alike", "test_a_program_without_python_generates"),
    "test_a_stock_server_answers_alike",  # other backends: `test_zoo_load_of_an_export_answers_alike`
    *("test_the_other_cases_generate_so_too", "test_every_tokenizer_will_do", "test_constraints"),
    *("test_byte_fallback", "test_graph_added_tokens", "test_graph_models", "test_graph_tokenizer", "test_words"),
    *("test_batching", "test_deployment", "test_example_batches", "test_export_process", "test_exported_folder"),
    *("test_formats", "test_generator", "test_graph_noise", "test_precision", "test_unicode_tables", "test_warmup"),
    *("test_bad_folders", "test_build_with_weights", "test_hf_export", "test_keras_hub", "test_published_configs"),
    *("test_published_settings", "test_resize", "test_safetensors", "test_sentence_transformers", "test_warm_start"),
    *("test_advice", "test_baselines", "test_data_columns", "test_data_in_memory", "test_environment"),
    *("test_mistakes", "test_model_card", "test_model_soup", "test_notebook", "test_run_folders", "test_search"),
    *("test_selection", "test_start_advice", "test_tfidf_baseline", "test_tracking", "test_word_vectors"),
    *("test_batch_inference", "test_damaged_folders", "test_summary", "test_extend", "test_registration"),
    *("test_graph_windows", "test_length_groups", "test_masks", "test_sentence_pieces", "test_spans_of_export"),
)

FEW = (
    "explore",
    "generation",
    "training",
)  # folders of which JAX and TensorFlow run no more cases with --all than quick runs do

MAX_MAPS = 15_000  # of 65,530, the default of Linux
GOOD = ["great", "lovely", "superb", "fine", "wonderful", "happy"]
BAD = ["awful", "boring", "dull", "poor", "horrid", "sad"]
FILLER = ["the", "film", "was", "a", "story", "with", "some", "people", "in", "it", "and", "then", "more", "of", "that"]


def pytest_configure(config):
    """Quick runs try fewer examples of Hypothesis on JAX and TensorFlow, which compile for each shape.

    JAX keeps compiled programs on disk, because the tests of a file compile many of them again.
    """
    if keras.config.backend() == "jax" and "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        import jax

        folder = tempfile.TemporaryDirectory()
        config.add_cleanup(folder.cleanup)
        jax.config.update("jax_compilation_cache_dir", folder.name)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    examples = {"max_examples": 25} if "slow" in config.option.markexpr and keras.config.backend() != "torch" else {}
    hypothesis.settings.register_profile("zoo", deadline=None, **examples)  # a busy machine is no failure
    hypothesis.settings.load_profile("zoo")


def pytest_runtest_teardown(item, nextitem):
    """Between test files, drop JAX's compiled programs before they use up the memory maps that Linux allows a process.

    Each program on a CPU takes several maps; beyond the limit XLA crashes. The programs are still on disk.
    """
    if (
        keras.config.backend() == "jax"
        and (nextitem is None or nextitem.path != item.path)
        and _memory_maps() > MAX_MAPS
    ):
        import jax

        jax.clear_caches()
        gc.collect()


def _memory_maps():
    """The number of memory maps of this process; 0 where the system does not say."""
    path = Path("/proc/self/maps")
    return path.read_bytes().count(b"\n") if path.is_file() else 0


@pytest.hookimpl(tryfirst=True)  # before pytest selects by mark
def pytest_collection_modifyitems(config, items):
    """Quick runs skip the tests that `RUN_ON` assigns to another backend; with --all, those of them that are in `ONCE`.

    On JAX and TensorFlow, which compile, quick runs take the first of a test's parameters, unless `all_or_few` has
    chosen among them.
    """
    tests = {}
    for item in items:
        name = getattr(item, "originalname", item.name)
        tests.setdefault((item.path, item.parent, name), []).append(item)
    for (path, _, name), cases in tests.items():
        names = (*path.relative_to(config.rootpath).with_suffix("").parts, name)
        is_elsewhere, further = _is_elsewhere(names), _further_cases(cases)
        for case in cases if is_elsewhere else further:
            case.add_marker(pytest.mark.slow)
        skipped = further if set(names).intersection(FEW) else []
        for case in cases if is_elsewhere and set(names).intersection(ONCE) else skipped:
            case.add_marker(pytest.mark.elsewhere)


def _is_elsewhere(names):
    """Whether another backend runs a test; `names` are its folders, its file and its own."""
    backend = next((RUN_ON[name] for name in reversed(names) if name in RUN_ON), "")
    return backend not in ("", keras.config.backend())


def _further_cases(cases):
    """The cases of a test that a quick run skips on JAX and TensorFlow: those marked as slow, or all but the first."""
    if keras.config.backend() == "torch":
        return []
    return [case for case in cases if case.get_closest_marker("slow")] or cases[1:]


@pytest.fixture(scope="module", autouse=True)
def seeds():
    """Seed the random generators for each file, so that its results do not depend on the files before it."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def reviews(tmp_path_factory):
    """A folder with train.tsv, valid.tsv and test.tsv: texts of 2 to 6 words, one of which gives the label."""
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
