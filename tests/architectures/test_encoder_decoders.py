"""Options of the encoder-decoders; the Transformer equals PyTorch's; attention without input feeding equals Luong's."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.architectures.rnn_seq2seq import RNNSeq2Seq
from zoo.architectures.transformer import Transformer

SOURCE = np.array([[5, 6, 7, 5, 9, 11, 2, 3], [4, 22, 4, 0, 0, 0, 0, 0]], "int32")
TARGET = np.array([[2, 9, 8, 7, 6], [2, 3, 0, 0, 0]], "int32")
DEEP = {"vocabulary": 23, "width": 8, "depth": 2, "heads": 2, "hidden": 12}
RECURRENT = {"vocabulary": 23, "width": 8, "units": 6}


def numpy(x):
    return ops.convert_to_numpy(x)


def features(backbone, source=SOURCE, target=TARGET):
    return numpy(backbone({"source": source, "target": target}))


@pytest.mark.parametrize(
    "architecture",
    [
        Transformer(**DEEP, norm="pre"),
        Transformer(**DEEP, tied=False),
        RNNSeq2Seq(**RECURRENT, depth=2, cell="lstm"),
        RNNSeq2Seq(**RECURRENT, depth=2, cell="lstm", attention="dot", input_feeding="none", bidirectional=False),
        RNNSeq2Seq(**RECURRENT, attention="general", input_feeding="output"),
        RNNSeq2Seq(**RECURRENT, input_feeding="none", tied=False),
    ],
    ids=repr,
)
def test_padding_and_later_tokens_change_nothing(architecture):
    backbone = architecture.backbone()
    batched = features(backbone)
    np.testing.assert_allclose(batched[1:, :2], features(backbone, SOURCE[1:, :3], TARGET[1:, :2]), atol=1e-5)
    changed = TARGET.copy()
    changed[0, 3:] = 1
    np.testing.assert_allclose(features(backbone, target=changed)[0, :3], batched[0, :3], atol=1e-5)
    assert np.abs(features(backbone, SOURCE[:, ::-1]) - batched).max() > 1e-3


@pytest.mark.parametrize("make", [lambda **s: Transformer(**DEEP, **s), lambda **s: RNNSeq2Seq(**RECURRENT, **s)])
def test_tied_embeddings_are_one_table(make):
    tables = [
        sum(weight.path.endswith("embeddings") for weight in make(tied=tied).backbone().weights)
        for tied in (True, False)
    ]
    assert tables == [1, 2]
    assert (make(tied=True).tied, make(tied=False).tied) == (True, False)


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_blocks_equal_those_of_pytorch(norm):
    torch = pytest.importorskip("torch", reason="the reference is written in torch")
    backbone = Transformer(**DEEP, norm=norm).backbone()
    random = np.random.default_rng(0)
    for weight in backbone.weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    ours = {weight.path: torch.tensor(numpy(weight)) for weight in backbone.weights}
    options = {"dim_feedforward": 12, "dropout": 0.0, "batch_first": True, "norm_first": norm == "pre"}

    def copy_block(layer, name, attentions):
        with torch.no_grad():
            for module, attention, number in attentions:
                kernels = [ours[f"{name}_{attention}/{part}/kernel"].T for part in ("query", "key", "value")]
                biases = [ours[f"{name}_{attention}/{part}/bias"] for part in ("query", "key", "value")]
                getattr(layer, module).in_proj_weight.copy_(torch.cat(kernels))
                getattr(layer, module).in_proj_bias.copy_(torch.cat(biases))
                getattr(layer, module).out_proj.weight.copy_(ours[f"{name}_{attention}/out/kernel"].T)
                getattr(layer, module).out_proj.bias.copy_(ours[f"{name}_{attention}/out/bias"])
                copy_norm(getattr(layer, f"norm{number}"), f"{name}_{attention}_norm")
            for module, part in (("linear1", "up"), ("linear2", "down")):
                getattr(layer, module).weight.copy_(ours[f"{name}_feed_forward/{part}/kernel"].T)
                getattr(layer, module).bias.copy_(ours[f"{name}_feed_forward/{part}/bias"])
            copy_norm(getattr(layer, f"norm{len(attentions) + 1}"), f"{name}_feed_forward_norm")
        return layer

    def copy_norm(module, name):
        with torch.no_grad():
            module.weight.copy_(ours[f"{name}/gamma"])
            module.bias.copy_(ours[f"{name}/beta"])
        return module

    embeddings = [backbone.get_layer(f"{side}_dropout").output for side in ("source", "target")]
    embed = keras.Model(backbone.inputs, embeddings)
    x, y = (torch.tensor(numpy(part)) for part in embed({"source": SOURCE, "target": TARGET}))
    padding = torch.tensor(SOURCE == 0)
    for i in range(2):
        layer = torch.nn.TransformerEncoderLayer(8, 2, **options)
        x = copy_block(layer, f"encoder{i}", [("self_attn", "attention", 1)])(x, src_key_padding_mask=padding)
    x = copy_norm(torch.nn.LayerNorm(8), "encoder_norm")(x) if norm == "pre" else x
    later = torch.ones(5, 5, dtype=torch.bool).triu(1)
    attentions = [("self_attn", "attention", 1), ("multihead_attn", "source_attention", 2)]
    for i in range(2):
        layer = copy_block(torch.nn.TransformerDecoderLayer(8, 2, **options), f"decoder{i}", attentions)
        y = layer(y, x, tgt_mask=later, memory_key_padding_mask=padding)
    y = copy_norm(torch.nn.LayerNorm(8), "norm")(y) if norm == "pre" else y
    np.testing.assert_allclose(features(backbone), y.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_positions_are_the_sinusoids_of_the_paper():
    backbone = Transformer(**DEEP).backbone()
    table = numpy(backbone.get_layer("embedding").embeddings)
    embed = keras.Model(backbone.inputs, backbone.get_layer("target_dropout").output)
    actual = numpy(embed({"source": SOURCE, "target": TARGET}))
    angles = np.arange(5)[:, None] / 10_000 ** (np.arange(0, 8, 2) / 8)
    sines = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(5, 8)
    np.testing.assert_allclose(actual[0], table[TARGET[0]] * 8**0.5 + sines, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("attention", ["additive", "general"])
def test_a_decoder_without_input_feeding_is_luongs(attention):
    """Luong 2015: all states first; then contexts of the source's features; then tanh of states and contexts."""
    backbone = RNNSeq2Seq(**RECURRENT, attention=attention, input_feeding="none").backbone()
    outputs = {name: backbone.get_layer(name).output for name in ("encoder0", "attention", "readout")}
    outputs["states"] = backbone.get_layer("decoder0").output[0]
    actual = keras.Model(backbone.inputs, outputs)({"source": SOURCE, "target": TARGET})
    encoded, context, readout, states = (numpy(actual[name]) for name in ("encoder0", "attention", "readout", "states"))
    key = numpy(backbone.get_layer("attention").key.kernel)
    if attention == "general":
        scores = np.einsum("btu,bsu->bts", states, encoded @ key)
    else:
        layer = backbone.get_layer("attention")
        energy = np.tanh((states @ numpy(layer.query.kernel))[:, :, None] + (encoded @ key)[:, None])
        scores = (energy @ numpy(layer.energy.kernel))[..., 0]
    exps = np.exp(scores) * (SOURCE > 0)[:, None]
    np.testing.assert_allclose(context, exps / exps.sum(-1, keepdims=True) @ encoded, rtol=1e-4, atol=1e-5)
    kernel, bias = (numpy(weight) for weight in backbone.get_layer("readout").weights)
    np.testing.assert_allclose(readout, np.tanh(np.concatenate([states, context], -1) @ kernel + bias), atol=1e-5)


def test_the_initial_decoder_state_is_computed_from_both_ends_of_the_source():
    backbone = RNNSeq2Seq(**RECURRENT).backbone()
    outputs = [backbone.get_layer(name).output for name in ("encoder0", "state0_0")]
    model = keras.Model(backbone.inputs, outputs)
    encoded, state = (numpy(output) for output in model({"source": SOURCE, "target": TARGET}))
    kernel, bias = (numpy(weight) for weight in backbone.get_layer("state0_0").weights)
    ends = np.stack(
        [np.concatenate([row[length - 1, :6], row[0, 6:]]) for row, length in zip(encoded, (8, 3), strict=True)]
    )
    np.testing.assert_allclose(state, np.tanh(ends @ kernel + bias), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"attention": "dot"}, "an encoder as wide as the decoder. Received: bidirectional=True"),
        ({"attention": "genral"}, "Unknown attention. Received: 'genral'. Did you mean 'general'"),
        ({"input_feeding": "ouput"}, "Unknown input_feeding. Received: 'ouput'. Did you mean 'output'"),
        ({"cell": "lsmt"}, "Unknown cell. Received: 'lsmt'. Did you mean 'lstm'"),
    ],
)
def test_incompatible_and_unknown_options_are_refused(settings, reason):
    with pytest.raises(ValueError, match=reason):
        RNNSeq2Seq(**settings)


def test_an_unknown_norm_names_the_nearest():
    with pytest.raises(ValueError, match="Unknown norm. Received: 'prae'. Did you mean 'pre'"):
        Transformer(norm="prae")
