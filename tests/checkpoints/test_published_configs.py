"""Properties over configurations: for random settings of transformers, the zoo computes the same or says why not."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from keras import ops
from references import write_tokenizer

from zoo.checkpoints.folder import import_folder
from zoo.runtime.errors import UserError

torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
VOCABULARY, TIME, END = 40, 8, 4
INPUTS = {"tokens": "input_ids", "segments": "token_type_ids", "source": "input_ids", "target": "decoder_input_ids"}


def options(**values):
    """A strategy of dicts with any of the keys, each with one of its values."""
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(choices) for key, choices in values.items()})


def sizes(heads, width, **others):
    """A strategy of sizes: heads that divide the width, and others with one of their values each."""
    both = st.tuples(st.sampled_from((1, 2, 4)), st.sampled_from((4, 6)))
    first = both.map(lambda pair: {heads: pair[0], width: pair[0] * pair[1] * 2})
    return st.tuples(first, st.fixed_dictionaries({key: st.sampled_from(choices) for key, choices in others.items()}))


COMMON = {  # what any configuration may say
    "tie_word_embeddings": (True, False),
    "chunk_size_feed_forward": (0, 2),
    "use_cache": (True, False),
    "initializer_range": (0.02, 0.5),
    "bos_token_id": (None, 3),
    "eos_token_id": (None, 4),
    "nobody_knows_this": (1,),
}
LABELS = st.one_of(
    options(num_labels=(1, 2, 3, 5)),
    st.sampled_from((1, 2, 3)).flatmap(
        lambda count: st.lists(
            st.sampled_from(("O", "B-a", "I-a", "good", "bad", "LABEL_1", "NaN", "ä")), min_size=count, max_size=count
        ).map(lambda names: {"id2label": dict(enumerate(names))})
    ),
)
PROBLEMS = st.sampled_from((None, None, "regression", "multi_label_classification", "single_label_classification"))
BERT_LIKE = {
    "hidden_act": ("gelu", "gelu_new", "gelu_python", "gelu_fast", "gelu_pytorch_tanh", "relu", "silu"),
    "layer_norm_eps": (1e-12, 1e-5, 1e-2),
    "is_decoder": (False, False, True),
    "hidden_dropout_prob": (0.0, 0.3),
    "attention_probs_dropout_prob": (0.0, 0.2),
    "classifier_dropout": (None, 0.4),
    "type_vocab_size": (1, 2, 3),
}
ENCODER = {"num_hidden_layers": (1, 2), "intermediate_size": (8, 20), "max_position_embeddings": (50, 64)}


LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
ROPE = (
    None,
    {"rope_type": "default", "rope_theta": 500.0},
    {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4},
    {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, **LLAMA3},
)


def bart_sizes():
    """A strategy of the sizes of a BART, whose decoder is that of the encoder."""
    encoder = sizes("encoder_attention_heads", "d_model", encoder_layers=(1, 2), encoder_ffn_dim=(8, 20))
    both = encoder.map(lambda parts: parts[0] | parts[1])
    decoder = both.map(lambda part: part | {key.replace("encoder", "decoder"): size for key, size in part.items()})
    return decoder.map(lambda part: (part, {"max_position_embeddings": 16}))


@dataclass(frozen=True)
class Family:
    """An architecture of transformers: the prefix of its classes, its heads, strategies of its settings."""

    prefix: str
    heads: tuple[str, ...]
    sizes: st.SearchStrategy
    optional: st.SearchStrategy


CLASSIFIERS = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")
FAMILIES = {
    "bert": Family(
        "Bert",
        ("Model", *CLASSIFIERS, "ForMaskedLM", "ForPreTraining", "ForNextSentencePrediction", "ForMultipleChoice"),
        sizes("num_attention_heads", "hidden_size", **ENCODER),
        options(**BERT_LIKE, pad_token_id=(0, 3, 39)),
    ),
    "roberta": Family(
        "Roberta",
        ("Model", *CLASSIFIERS, "ForMaskedLM", "ForMultipleChoice"),
        sizes("num_attention_heads", "hidden_size", **ENCODER),
        options(**BERT_LIKE, pad_token_id=(0, 1, 5, 39)),
    ),
    "distilbert": Family(
        "DistilBert",
        ("Model", *CLASSIFIERS, "ForMaskedLM"),
        sizes("n_heads", "dim", n_layers=(1, 2), hidden_dim=(8, 20), max_position_embeddings=(9, 16)),
        options(
            activation=("gelu", "relu"), sinusoidal_pos_embds=(True, False), dropout=(0.0, 0.2), pad_token_id=(0, 7),
            seq_classif_dropout=(0.1, 0.5), qa_dropout=(0.0, 0.5),
        ),
    ),
    "gpt2": Family(
        "GPT2",
        ("Model", "LMHeadModel", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"),
        sizes("n_head", "n_embd", n_layer=(1, 2), n_positions=(9, 16)),
        options(
            n_inner=(None, 12), activation_function=("gelu_new", "gelu", "gelu_pytorch_tanh"), pad_token_id=(0, 5),
            layer_norm_epsilon=(1e-5, 1e-2), scale_attn_weights=(True, True, False), attn_pdrop=(0.0, 0.3),
            scale_attn_by_inverse_layer_idx=(False, False, True), reorder_and_upcast_attn=(False, True),
        ),
    ),
    "llama": Family(
        "Llama",
        ("Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"),
        sizes("num_attention_heads", "hidden_size", num_hidden_layers=(1, 2), intermediate_size=(8, 20)),
        options(
            num_key_value_heads=(1, None), rms_norm_eps=(1e-6, 1e-2), attention_bias=(False, False, True),
            mlp_bias=(False, True), head_dim=(None, None, 6), pad_token_id=(0, 5), attention_dropout=(0.0, 0.2),
            max_position_embeddings=(16, 8192), hidden_act=("silu", "silu", "gelu"), pretraining_tp=(1, 2),
            rope_parameters=ROPE,
        ),
    ),
    "t5": Family(
        "T5",
        ("Model", "ForConditionalGeneration", "ForSequenceClassification", "EncoderModel"),
        sizes("num_heads", "d_model", d_kv=(4, 6), num_layers=(1, 2), d_ff=(8, 20)),
        options(
            feed_forward_proj=("relu", "gated-gelu", "gated-silu"), num_decoder_layers=(None, 2), pad_token_id=(0, 5),
            layer_norm_epsilon=(1e-6, 1e-2), relative_attention_num_buckets=(8, 32), dropout_rate=(0.0, 0.3),
            relative_attention_max_distance=(16, 128), initializer_factor=(1.0, 2.0),
        ),
    ),
    "bart": Family(
        "Bart",
        ("Model", "ForConditionalGeneration", "ForSequenceClassification", "ForQuestionAnswering"),
        bart_sizes(),
        options(
            decoder_layers=(1, 2), activation_function=("gelu", "gelu", "relu"), scale_embedding=(False, False, True),
            pad_token_id=(1, 0, 9), dropout=(0.0, 0.3), encoder_layerdrop=(0.0, 0.1), normalize_before=(False, True),
        ),
    ),
}  # fmt: skip
CASES = [(family, head) for family, item in FAMILIES.items() for head in item.heads]


def drawn_settings(family, head):
    """A strategy of the settings of a configuration."""
    parts = [FAMILIES[family].optional, options(**COMMON)]
    parts += [LABELS, PROBLEMS.map(lambda name: {"problem_type": name})] if head in CLASSIFIERS else []
    everything = st.tuples(FAMILIES[family].sizes, *parts)
    return everything.map(lambda parts: {key: value for part in (*parts[0], *parts[1:]) for key, value in part.items()})


def write_model(folder, family, head, values, seed):
    """Write a folder of transformers with large random weights; None where transformers refuses the settings."""
    prefix = FAMILIES[family].prefix
    name = f"{prefix}{head}"
    values = values | {"eos_token_id": 4, "decoder_start_token_id": 2} if family in ("bart", "t5") else values
    try:
        config = getattr(transformers, f"{prefix}Config")(vocab_size=VOCABULARY, **values)
        torch.manual_seed(seed)
        model = getattr(transformers, name)(config)
    except (ValueError, TypeError, KeyError, IndexError, AssertionError, RuntimeError) as error:
        return None, error
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape))
    model.save_pretrained(folder)
    padding = config.pad_token_id if config.pad_token_id is not None else 0
    write_tokenizer(folder, VOCABULARY, padding)
    return model.eval(), padding


def remove_defaults(folder, family, keys):
    """Remove keys from config.json whose values are transformers' own, as older and smaller files have it."""
    defaults = getattr(transformers, f"{FAMILIES[family].prefix}Config")().to_dict()
    config = json.loads((folder / "config.json").read_text())
    for key in keys & set(config):
        if config[key] == defaults.get(key, config[key]):
            del config[key]
    (folder / "config.json").write_text(json.dumps(config))


def token_rows(random, padding):
    """(2, TIME) ids, the second row padded; every id but the padding's, which a text does not have."""
    rows = random.choice([i for i in range(5, VOCABULARY) if i != padding], (2, TIME))
    rows[1, 5:] = padding
    rows[0, -1] = rows[1, 4] = END  # where the classifiers of encoder-decoders look
    return rows.astype("int32")


def theirs(model, arrays, padding):
    """The outputs of transformers in the zoo's form."""
    arguments = {INPUTS[name]: torch.tensor(array.astype("int64")) for name, array in arrays.items()}
    text = arrays.get("source", arrays.get("tokens"))
    arguments["attention_mask"] = torch.tensor((text != padding).astype("int64"))
    with torch.no_grad():
        output = model(**arguments)
    if "start_logits" in output:
        return torch.stack([output.start_logits, output.end_logits], -1).numpy()
    for name in ("logits", "prediction_logits", "last_hidden_state"):
        if name in output:
            return output[name].numpy()
    raise AssertionError(f"no outputs: {list(output)}")


def compare(pipeline, model, random, padding, family, head):
    """Compare the outputs of an imported pipeline with those of transformers."""
    rows, inputs = token_rows(random, padding), pipeline.model.input
    arrays = {"tokens": rows} if "tokens" in inputs else {"source": rows, "target": token_rows(random, padding)}
    if "segments" in inputs and family == "bert":
        arrays["segments"] = random.integers(0, model.config.type_vocab_size, rows.shape).astype("int32")
    model_inputs = dict(arrays)
    if "mask_positions" in inputs:
        model_inputs["mask_positions"] = np.tile(np.arange(TIME, dtype="int32"), (2, 1))
    if "segments" in inputs:
        model_inputs.setdefault("segments", np.zeros_like(rows))
    network = pipeline.model if head != "Model" else pipeline.preset.architecture
    if head == "Model":
        network = feature_model(pipeline)
    ours, expected = ops.convert_to_numpy(network(model_inputs, training=False)), theirs(model, arrays, padding)
    assert ours.shape == expected.shape
    mask = np.ones(len(rows), bool) if ours.ndim == 2 else (arrays.get("target", rows) != padding)
    exact = theirs(model.double(), arrays, padding)
    tolerance = 1e-4 * max(1.0, abs(exact).max()) + 20 * abs(expected - exact)[mask].max()  # what float32 can tell
    np.testing.assert_allclose(ours[mask], exact[mask], rtol=0, atol=tolerance)


def feature_model(pipeline):
    """The network up to its features."""
    import keras

    layer = pipeline.model.get_layer("pooling") if pipeline.objective.__class__.__name__ == "EmbedText" else None
    if layer is None:
        norm = pipeline.model.get_layer("norm")
        return keras.Model(pipeline.model.input, norm.output)
    return keras.Model(pipeline.model.input, layer.input[0] if isinstance(layer.input, list) else layer.input)


def loaded(model, folder):
    """The model as transformers reads the folder; it takes its own BART of two classes for one of three."""
    try:
        return type(model).from_pretrained(folder).eval()
    except RuntimeError:
        return model


def check(family, head, values, left_out, seed):
    """Write, import and compare a folder; a refusal is one line that names a setting or the class.

    Returns whether it was compared.
    """
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, padding = write_model(folder, family, head, values, seed)
        if model is None:
            return False
        remove_defaults(folder, family, left_out)
        again = loaded(model, folder)
        if again.config.pad_token_id is None:  # transformers needs one to classify several rows
            again.config.pad_token_id = padding
        try:
            pipeline = import_folder(folder)
        except UserError as error:
            message = str(error)
            assert "\n" not in message
            config = json.loads((folder / "config.json").read_text())
            copies = ("embed_tokens", "lm_head")
            known = [key for key in (*config, type(model).__name__, *copies) if key in message]
            assert known, message
            return False
        if type(model).__name__ in (
            "BertForNextSentencePrediction",
            "BertForMultipleChoice",
            "RobertaForMultipleChoice",
        ):
            assert pipeline.objective.__class__.__name__ == "EmbedText"  # said in a line: its head is left out
            return True
        compare(pipeline, again, random, padding, family, head)
        return True


CHECKS = {"phases": (Phase.generate,), "suppress_health_check": list(HealthCheck), "database": None}


REFUSED = {  # classes of which the zoo has no head: always a line
    *(("gpt2", "ForQuestionAnswering"), ("llama", "ForQuestionAnswering"), ("bart", "ForQuestionAnswering")),
    *(("t5", "Model"), ("t5", "EncoderModel"), ("bart", "Model")),
}


def run(family, head, max_examples):
    compared = []

    @settings(max_examples=max_examples, derandomize=True, **CHECKS)
    @given(drawn_settings(family, head), st.sets(st.sampled_from(LEFT_OUT)), st.integers(0, 2**16))
    def examples(values, left_out, seed):
        compared.append(check(family, head, values, left_out, seed))

    examples()
    return sum(compared)


LEFT_OUT = (
    *("hidden_act", "layer_norm_eps", "type_vocab_size", "pad_token_id", "tie_word_embeddings", "num_key_value_heads"),
    *("n_inner", "activation_function", "layer_norm_epsilon", "feed_forward_proj", "rms_norm_eps", "rope_parameters"),
    *(
        "relative_attention_num_buckets",
        "relative_attention_max_distance",
        "num_decoder_layers",
        "is_decoder",
        "id2label",
    ),
    *("scale_embedding", "head_dim", "attention_bias", "label2id", "activation", "scale_attn_weights"),
)


@pytest.mark.parametrize(("family", "head"), CASES)
def test_few_configurations(family, head):
    run(family, head, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head"), CASES)
def test_many_configurations(family, head):
    compared = run(family, head, 40)
    assert (compared == 0) if (family, head) in REFUSED else (compared >= 8)
