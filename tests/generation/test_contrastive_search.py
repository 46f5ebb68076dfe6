"""Contrastive search: equal to NumPy and KerasHub, each prompt independent of the batch."""

import keras
import numpy as np
import pytest
from causal_models import CAUSAL, PADDING, generate_ids, network, sources, texts
from keras import ops
from scipy.special import log_softmax, softmax
from tiny import all_or_few

import zoo
from zoo.checkpoints.hf_config import read_architecture, read_config
from zoo.checkpoints.resolve import resolve
from zoo.generation.batch import Batch
from zoo.generation.contrastive_search import contrastive_generator
from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.prompt_cache import PromptCache

FEW = ("gpt2", "lstm", "rnn_seq2seq")
CONTRASTIVE = {"contrastive_alpha": 0.6, "top_k": 4}
LENGTH = 12  # of the reference's texts, with padding, so that few shapes are compiled


@pytest.mark.parametrize("name", all_or_few(CAUSAL, FEW))
def test_equal_to_search_without_caches(name):
    model, prompts = network(name), texts([6, 2, 3])
    source_ids = sources(model, 3)
    actual = generate(model, prompts, source_ids, GenerationConfig(max_new_tokens=5, bad_words=PADDING, **CONTRASTIVE))
    for i, ((completion,), prompt) in enumerate(zip(actual, prompts, strict=True)):
        ids, log_p = reference_search(model, prompt, 5, source_ids and source_ids[i], **CONTRASTIVE)
        assert completion.ids == ids
        np.testing.assert_allclose(completion.logprobs, log_p, rtol=1e-4, atol=1e-4)


def reference_search(model, ids, count, source, contrastive_alpha, top_k):
    """`(new ids, their log-probabilities)`, by NumPy, from features and logits of the whole text."""
    extractor, ids, log_p = keras.Model(model.input, [features(model), model.output]), list(ids), []
    _, logits = forward(extractor, [ids] * top_k, source)
    for _ in range(count):
        probability = softmax(np.where(np.arange(len(logits[0])) == 0, -np.inf, logits[0]))
        likely = np.argsort(-probability)[:top_k]
        directions, after = forward(extractor, [[*ids, i] for i in likely], source)
        similarity = (directions[:, :-1] @ directions[:, -1, :, None]).max(axis=(1, 2))
        best = ((1 - contrastive_alpha) * probability[likely] - contrastive_alpha * similarity).argmax()
        log_p.append(log_softmax(logits[0])[likely[best]])
        ids.append(int(likely[best]))
        logits = after[best : best + 1]
    return ids[-count:], log_p


def features(model):
    """The features, input of the layer that makes logits: the last tensor of another width."""
    x, vocabulary = model.output, model.output.shape[-1]
    while x.shape[-1] == vocabulary:
        node = x._keras_history
        (x,) = node.operation._inbound_nodes[node.node_index].input_tensors
    return x


def forward(extractor, rows, source):
    """`(normalised features, logits of the next token)` for rows of ids."""
    size, padded = len(rows[0]), np.pad(rows, ((0, 0), (0, LENGTH - len(rows[0]))))
    arguments = [[source] * len(rows), padded][-len(extractor.inputs) :]
    inputs = {tensor.name: np.array(ids, "int32") for tensor, ids in zip(extractor.inputs, arguments, strict=True)}
    x, logits = (
        ops.convert_to_numpy(output)[:, :size].astype("float64") for output in extractor(inputs, training=False)
    )
    return x / np.linalg.norm(x, axis=-1, keepdims=True), logits[:, -1]


def test_with_alpha_0_it_is_greedy_decoding(gpt2):
    prompts, settings = texts([6, 2, 3]), {"max_new_tokens": 5, "bad_words": PADDING}
    expected = generate_ids(gpt2, prompts, **settings)
    assert generate_ids(gpt2, prompts, contrastive_alpha=0.0, top_k=4, **settings) == expected
    assert generate_ids(gpt2, prompts, contrastive_alpha=1.0, top_k=1, **settings) == expected
    # a top_k above the vocabulary
    assert generate_ids(gpt2, prompts, contrastive_alpha=1.0, top_k=99, **settings) != expected


@pytest.mark.parametrize("name", all_or_few(["gpt2", "gru", "transformer"], ["transformer"]))
def test_a_prompt_is_searched_alike_in_any_batch(name):
    model, prompts = network(name), texts([6, 2, 3])
    settings, source_ids = {"max_new_tokens": 6, "stop_ids": (7,), **CONTRASTIVE}, sources(model, 3)
    batched = generate_ids(model, prompts, source_ids, **settings)
    alone = [
        generate_ids(model, [prompt], source_ids and [source_ids[i]], **settings) for i, prompt in enumerate(prompts)
    ]
    assert [[row] for row in batched] == alone


def test_logits_processors_apply(gpt2):
    actual = generate_ids(gpt2, texts([5, 3]), max_new_tokens=12, no_repeat_ngram=1, contrastive_alpha=0.3, top_k=9)
    assert all(len(set(row)) == len(row) == 12 for row in actual)
    words = tuple((i,) for i in range(24) if i not in (5, 9))  # fewer allowed tokens than candidates
    for row in generate_ids(gpt2, texts([5, 3]), max_new_tokens=8, bad_words=words, contrastive_alpha=1.0, top_k=4):
        assert set(row) <= {5, 9}


def test_a_text_ends_with_a_stop(gpt2):
    prompts = texts([4, 6])
    full = generate_ids(gpt2, prompts, max_new_tokens=8, **CONTRASTIVE)
    stop = full[0][3]
    actual = generate(gpt2, prompts, None, GenerationConfig(max_new_tokens=8, stop_ids=(stop, 99), **CONTRASTIVE))
    assert [completion.ids for (completion,) in actual] == [
        row[: row.index(stop)] if stop in row else row for row in full
    ]
    assert [completion.finish_reason == "stop" for (completion,) in actual] == [stop in row for row in full]


def test_a_second_call_in_the_same_bucket_compiles_nothing(gpt2):
    generate_ids(gpt2, texts([6, 2, 3]), max_new_tokens=5, **CONTRASTIVE)
    before = contrastive_generator(gpt2).compilations
    generate_ids(gpt2, texts([4, 5, 1, 7]), max_new_tokens=8, contrastive_alpha=0.2, top_k=4)
    assert contrastive_generator(gpt2).compilations == before


@pytest.mark.parametrize("name", all_or_few(["gpt2", "lstm"], ["lstm"]))
def test_generation_with_a_prompt_cache_equals_generation_without(name):
    model, settings = network(name), GenerationConfig(max_new_tokens=4, bad_words=PADDING, **CONTRASTIVE)
    cache, ids = PromptCache(contrastive_generator(model), 32), []
    for further in texts([1, 5, 3]):
        ids = [*ids, *further]
        batch = Batch(cache.generator, [ids], None, settings, cache.length)
        state = cache.generator.decode(cache.prefill(batch), batch.controls, settings.max_new_tokens)
        cache.store(state)
        (new,) = generate_ids(model, [ids], max_new_tokens=4, bad_words=PADDING, **CONTRASTIVE)
        assert batch.completions(state)[0][0].ids == new
        ids += new
        assert cache.ids == ids
        assert cache.tokens_processed == len(ids)  # no token twice


@pytest.mark.filterwarnings("ignore")  # of keras_hub and its imports
@pytest.mark.parametrize("top_k", all_or_few([5, 8], []))
def test_equal_to_keras_hub(top_k, tmp_path):
    hub = pytest.importorskip("keras_hub", reason="needs: pip install keras-hub", exc_type=ImportError)
    sizes = {"vocabulary_size": 60, "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 24}
    backbone = hub.models.GPT2Backbone(**sizes, max_sequence_length=32)
    for i, weight in enumerate(backbone.trainable_weights):
        weight.assign(keras.random.normal(weight.shape, stddev=0.4, seed=i))
    backbone.save_to_preset(str(tmp_path))
    hub_model = hub.models.GPT2CausalLM(backbone, preprocessor=None)
    hub_model.compile(sampler=hub.samplers.ContrastiveSampler(top_k, alpha=0.6))
    architecture = read_architecture(read_config(resolve(tmp_path)))
    backbone = architecture.backbone()
    model = keras.Model(backbone.input, architecture.logits(backbone))
    zoo.load_weights(model, tmp_path)
    (prompt,) = texts([7])
    arguments = {"token_ids": np.array([prompt + [0] * 20]), "padding_mask": np.arange(27)[None] < 7}
    expected = ops.convert_to_numpy(hub_model.generate(arguments, stop_token_ids=None)["token_ids"])[0, 7:].tolist()
    assert generate_ids(model, [prompt], max_new_tokens=20, top_k=top_k, contrastive_alpha=0.6) == [expected]


def test_a_network_whose_logits_have_no_features():
    from zoo.layers.recurrent.cells import LSTM

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    model = keras.Model(tokens, LSTM(9, name="logits")(keras.layers.Embedding(9, 4)(tokens)))
    with pytest.raises(ValueError, match="a dense layer from hidden states to logits. .* 'logits', a LSTM."):
        generate_ids(model, [[3]], **CONTRASTIVE)
