"""Generation defaults of a model: they fill what is not given, and give way where they contradict it."""

import json
from types import SimpleNamespace

import pytest
from references import Golden, write_tokenizer

from zoo.checkpoints.folder import import_folder
from zoo.generation.defaults import config_of

SAMPLED = {"temperature": 0.7, "top_k": 50, "top_p": 0.9, "max_new_tokens": 9}
BEAMS = {"beams": 4, "length_penalty": 2.0, "return_sequences": 2, "min_tokens": 5, "no_repeat_ngram": 3}


def config(defaults, constrained=False, **arguments):
    return config_of(SimpleNamespace(max_new_tokens=20, generation=defaults), arguments, constrained)


def test_defaults_fill_what_is_not_given():
    assert (config({}).max_new_tokens, config({}).temperature, config({}).fit_context) == (20, 0.0, True)
    made = config(SAMPLED, top_p=None, seed=3)
    assert (made.temperature, made.top_k, made.top_p, made.max_new_tokens, made.seed) == (0.7, 50, 0.9, 9, 3)
    made = config(BEAMS, beams=3, max_new_tokens=7)
    assert (made.beams, made.length_penalty, made.return_sequences, made.max_new_tokens) == (3, 2.0, 2, 7)
    assert not made.fit_context


def test_defaults_give_way():
    assert config(SAMPLED, temperature=0.0).top_p is None
    assert config(SAMPLED, beams=2).temperature == 0
    assert config(SAMPLED, contrastive_alpha=0.6, top_k=4).temperature == 0
    assert config(BEAMS, temperature=1.0).beams == 1
    assert config(BEAMS, beams=1).return_sequences == 1
    assert config(BEAMS, max_new_tokens=3).min_tokens == 3
    assert config(BEAMS, True).no_repeat_ngram is None


def test_contradictions_of_the_caller_stay_errors():
    with pytest.raises(ValueError, match="top_p needs a temperature"):
        config({}, top_p=0.5)
    with pytest.raises(ValueError, match="min_tokens must be at most max_new_tokens"):
        config({}, min_tokens=30)
    with pytest.raises(ValueError, match="Unknown generation default.*'beamz'. Did you mean 'beams'"):
        config({"beamz": 3})


def test_overrides_are_text():
    assert config({"beams": "4", "length_penalty": "0.5"}).length_penalty == 0.5
    assert config({"logit_bias": '{"5": -1.5}'}).logit_bias == {5: -1.5}


def test_token_ids_are_keys_of_json():
    assert config({"logit_bias": {"5": -1.5}}).logit_bias == {5: -1.5}
    with pytest.raises(ValueError, match="Expected token ids from 0 to 9 in logit_bias. Received: 'x'"):
        config({"logit_bias": {"x": 1.0}}).check_vocabulary(10)


@pytest.mark.parametrize("generation", [
    {"no_repeat_ngram_size": 2, "max_length": 12, "forced_bos_token_id": 9},
    {"repetition_penalty": 1.5, "max_new_tokens": 6},
    {"num_beams": 2, "length_penalty": 2.0, "min_length": 6, "max_length": 9, "suppress_tokens": [7, 8]},
])  # fmt: skip
@pytest.mark.parametrize("name", ["Bart", "T5"])
def test_an_imported_folder_generates_as_transformers_does(name, generation, tmp_path):
    """With no argument on either side: the defaults of generation_config.json, and the ids the decoder starts with."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    heads = {f"{part}_{key}": 2 for part in ("encoder", "decoder") for key in ("layers", "attention_heads")}
    sizes = {
        "Bart": {**heads, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_position_embeddings": 24, "init_std": 0.5},
        "T5": {"d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "initializer_factor": 3.0},
    }
    torch.manual_seed(2)
    ids = {"pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 2, "bos_token_id": None}
    settings = {"forced_eos_token_id": None} if name == "Bart" else {}
    config = getattr(transformers, f"{name}Config")(vocab_size=40, d_model=16, **ids, **settings, **sizes[name])
    model = getattr(transformers, f"{name}ForConditionalGeneration")(config).eval()
    model.save_pretrained(tmp_path)
    (tmp_path / "generation_config.json").write_text(json.dumps(ids | generation))
    write_tokenizer(tmp_path, ending="[SEP]")
    model = type(model).from_pretrained(tmp_path).eval()
    pipeline = import_folder(tmp_path)
    start = len(pipeline.objective.start_and_end(pipeline.tokenizer)[0])
    for text in ("w7 w8 w9", "w30 w31"):
        tokens = torch.tensor([pipeline.tokenizer.encode(text).ids.tolist()])
        expected = model.generate(tokens)[0, start:].tolist()
        ((completion,),) = pipeline.generator().generate([{"source": text}])
        assert completion.ids == (expected[: expected.index(3)] if 3 in expected else expected)
        assert pipeline.predict(text)["text"] == completion.text.strip()


def test_predict_does_not_sample(tmp_path):
    golden = Golden("bart")
    write_tokenizer(golden.write(tmp_path), padding=golden.config["pad_token_id"])
    settings = {"do_sample": True, "temperature": 5.0, "max_new_tokens": 7}
    (tmp_path / "generation_config.json").write_text(json.dumps(settings))
    pipeline = import_folder(tmp_path)
    assert pipeline.predict("w7 w8 w9")["text"] == pipeline.generate("w7 w8 w9", temperature=0)
    texts = {pipeline.generate("w7 w8 w9", seed=seed) for seed in range(3)}
    assert len(texts) == 3
