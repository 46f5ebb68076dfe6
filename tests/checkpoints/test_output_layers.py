"""Output layers of published networks: tied to the word vectors, with weights of their own, scaled or not."""

import keras
import numpy as np
import pytest
from keras import ops
from references import Golden, write_tokenizer

import zoo
from zoo.checkpoints.folder import import_folder
from zoo.checkpoints.hf_export import write_huggingface

OUTPUTS = {  # golden file -> (tensor of the output layer, tensor of the word vectors)
    "gpt2": ("lm_head.weight", "transformer.wte.weight"),
    "llama_stretched": ("lm_head.weight", "model.embed_tokens.weight"),
    "bert_masked_token": ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
    "roberta_masked_token": ("lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"),
    "distilbert_masked_token": ("vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight"),
    "bart": ("lm_head.weight", "model.shared.weight"),
    "t5": ("lm_head.weight", "shared.weight"),
}


def imported(name, folder, tensors, **config):
    golden = Golden(name)
    write_tokenizer(golden.write(folder, tensors, **config), padding=golden.config["pad_token_id"] or 0)
    return import_folder(folder)


def logits(pipeline, golden):
    inputs = golden.part("input")
    if "mask_positions" in pipeline.model.input:
        inputs["mask_positions"] = np.tile(np.arange(inputs["tokens"].shape[1], dtype="int32"), (3, 1))
    return ops.convert_to_numpy(pipeline.model(inputs, training=False))


@pytest.mark.parametrize("tie_word_embeddings", [False, True])
@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_layer_of_its_own_is_used(name, tie_word_embeddings, tmp_path):
    """Whatever `tie_word_embeddings` says, as in transformers 5: the logits change with the output layer alone."""
    golden, (output, words) = Golden(name), OUTPUTS[name]
    tensors = golden.part("tensor")
    order = np.roll(np.arange(40), 1)
    tensors[output] = tensors[words][order]
    for key in ("cls.predictions.bias", "cls.predictions.decoder.bias", "lm_head.bias", "lm_head.decoder.bias"):
        if key in tensors:
            tensors[key] = np.zeros_like(tensors[key])
    tied = imported(name, tmp_path / "tied", {key: x for key, x in tensors.items() if key != output})
    said = {"tie_word_embeddings": tie_word_embeddings} | ({"scale_decoder_outputs": None} if name == "t5" else {})
    untied = imported(name, tmp_path / "own", tensors, **said)
    assert tied.preset.architecture.tied
    assert not untied.preset.architecture.tied
    is_token = golden["visible"]
    scale = 1.0 if name != "t5" or tie_word_embeddings else 4.0  # root of the width: `scale_decoder_outputs`
    offset = golden.part("tensor").get("final_logits_bias", np.zeros(40))
    if "vocab_projector.bias" in tensors:
        offset = tensors["vocab_projector.bias"]
    expected = ((logits(tied, golden) - offset)[..., order] * scale + offset)[is_token]
    np.testing.assert_allclose(logits(untied, golden)[is_token], expected, atol=1e-4)
    again = import_folder(write_huggingface(untied, tmp_path / "exported"))
    np.testing.assert_allclose(logits(again, golden)[is_token], expected, atol=1e-4)


def test_an_output_layer_that_repeats_the_word_vectors_is_tied(tmp_path):
    golden = Golden("llama_stretched")
    tensors = golden.part("tensor") | {"lm_head.weight": golden.part("tensor")["model.embed_tokens.weight"]}
    assert imported("llama_stretched", tmp_path, tensors).preset.architecture.tied


def test_t5_1_1_that_shares_its_vectors_is_not_scaled(tmp_path):
    """transformers 5 makes every new T5 1.1 so: https://github.com/huggingface/transformers/issues/47620."""
    golden = Golden("t5")
    tensors = {name: x for name, x in golden.part("tensor").items() if name != "lm_head.weight"}
    older = {"tie_word_embeddings": False, "scale_decoder_outputs": None}
    scaled = imported("t5", tmp_path / "scaled", tensors)
    for number, config in enumerate((older, {"scale_decoder_outputs": False})):
        pipeline = imported("t5", tmp_path / str(number), tensors, **config)
        assert pipeline.preset.architecture.tied
        np.testing.assert_allclose(logits(pipeline, golden), logits(scaled, golden) * 16**0.5, rtol=1e-4, atol=1e-4)
        again = import_folder(write_huggingface(pipeline, tmp_path / f"{number}_exported"))
        np.testing.assert_allclose(logits(again, golden), logits(pipeline, golden), atol=1e-5)


def test_a_copy_stands_for_a_missing_original(tmp_path):
    golden = Golden("bert_masked_token")
    tensors = golden.part("tensor")
    words = tensors.pop("bert.embeddings.word_embeddings.weight")
    bias = tensors.pop("cls.predictions.bias")
    tensors |= {"cls.predictions.decoder.weight": words, "cls.predictions.decoder.bias": bias}
    pipeline = imported("bert_masked_token", tmp_path, tensors)
    is_token = golden["visible"]
    np.testing.assert_allclose(logits(pipeline, golden)[is_token], golden["logits"][is_token], atol=2e-5)


def test_tables_of_the_encoder_and_the_decoder_that_differ_are_refused(tmp_path):
    golden = Golden("bart")
    tensors = golden.part("tensor")
    tensors["model.decoder.embed_tokens.weight"] = tensors["model.shared.weight"] + 1
    with pytest.raises(ValueError, match=r"Expected decoder.embed_tokens.weight in .* to equal shared.weight"):
        imported("bart", tmp_path, tensors, tie_word_embeddings=False)


def test_a_missing_output_layer_that_is_not_tied_is_refused(tmp_path):
    golden = Golden("gpt2")
    tensors = {name: x for name, x in golden.part("tensor").items() if name != "lm_head.weight"}
    with pytest.raises(ValueError, match=r"Expected the weights of logits in .* Received: none"):
        imported("gpt2", tmp_path, tensors, tie_word_embeddings=False)


@pytest.mark.parametrize("padding", [0, 1, 6])
def test_positions_of_roberta_follow_its_padding_id(padding, tmp_path):
    """transformers counts positions from the padding id: the first has the row `pad_token_id` + 1."""
    golden = Golden("roberta_masked_token")
    folder = golden.write(tmp_path, pad_token_id=padding)
    write_tokenizer(folder, padding=padding)
    architecture = import_folder(folder).preset.architecture
    assert (architecture.position_offset, architecture.length) == (padding + 1, 14 - padding - 1)
    backbone = architecture.backbone()
    zoo.load_weights(backbone, folder)
    positions = keras.Model(backbone.input, backbone.get_layer("positions").output)
    embedding = keras.Model(backbone.input, backbone.get_layer("embedding").output)
    tokens = {"tokens": np.array([[20, 21]], "int32")}
    added = ops.convert_to_numpy(positions(tokens) - embedding(tokens))[0]
    tensors = golden.part("tensor")
    table = (
        tensors["roberta.embeddings.position_embeddings.weight"]
        + tensors["roberta.embeddings.token_type_embeddings.weight"]
    )
    np.testing.assert_allclose(added, table[padding + 1 : padding + 3], atol=1e-6)


def test_the_masked_head_has_the_activation_of_the_network(tmp_path):
    golden = Golden("bert_masked_token")
    first = imported("bert_masked_token", tmp_path / "a", golden.part("tensor"))
    second = imported("bert_masked_token", tmp_path / "b", golden.part("tensor"), hidden_act="gelu_new")
    assert second.model.get_layer("head_dense").activation is not first.model.get_layer("head_dense").activation
