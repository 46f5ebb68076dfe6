"""Write tests/golden/*.npz: reference weights, inputs and outputs of small networks of Hugging Face transformers.

python scripts/golden.py [NAME ...]

Each file holds the version of transformers, config.json, every tensor under its own name, the inputs under the zoo's
names, the features, the attention weights of each layer and the logits of the head. Needs torch and transformers.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

FOLDER = Path(__file__).parent.parent / "tests" / "golden"
SIZES = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}
TOKENS = [[5, 6, 7, 5, 9, 11, 2, 3], [4, 39, 4, 8, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0, 0]]
TARGET = [[2, 8, 30, 7, 12, 9], [2, 17, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0]]
SEGMENTS = [[0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0, 0], [0] * 8]


def bert():
    config = transformers.BertConfig(**SIZES, max_position_embeddings=12, num_labels=3)
    return run(transformers.BertForSequenceClassification(config), tokens=TOKENS, segments=SEGMENTS)


def bert_masked_token():
    config = transformers.BertConfig(**SIZES, max_position_embeddings=12)
    return run(transformers.BertForMaskedLM(config), tokens=TOKENS, segments=SEGMENTS)


def bert_tag_tokens():
    tags = dict(enumerate(("O", "B-place", "I-place")))
    config = transformers.BertConfig(**SIZES, max_position_embeddings=12, id2label=tags)
    return run(transformers.BertForTokenClassification(config), tokens=TOKENS, segments=SEGMENTS)


def bert_find_span():
    config = transformers.BertConfig(**SIZES, max_position_embeddings=12)
    return run(transformers.BertForQuestionAnswering(config), tokens=TOKENS, segments=SEGMENTS)


def roberta():
    config = transformers.RobertaConfig(**SIZES, max_position_embeddings=14, type_vocab_size=1, num_labels=3)
    return run(transformers.RobertaForSequenceClassification(config), tokens=padded(1))


def roberta_masked_token():
    config = transformers.RobertaConfig(**SIZES, max_position_embeddings=14, type_vocab_size=1)
    return run(transformers.RobertaForMaskedLM(config), tokens=padded(1))


def roberta_tag_tokens():
    config = transformers.RobertaConfig(**SIZES, max_position_embeddings=14, type_vocab_size=1, num_labels=3)
    return run(transformers.RobertaForTokenClassification(config), tokens=padded(1))


def distilbert_sizes(labels=3):
    sizes = {"vocab_size": 40, "dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 24}
    return transformers.DistilBertConfig(**sizes, max_position_embeddings=12, num_labels=labels)


def distilbert():
    return run(transformers.DistilBertForSequenceClassification(distilbert_sizes()), tokens=TOKENS)


def distilbert_masked_token():
    return run(transformers.DistilBertForMaskedLM(distilbert_sizes()), tokens=TOKENS)


def distilbert_find_span():
    return run(transformers.DistilBertForQuestionAnswering(distilbert_sizes(2)), tokens=TOKENS)


def gpt2_sizes(**settings):
    sizes = {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 12}
    return transformers.GPT2Config(**sizes, bos_token_id=10, eos_token_id=10, **settings)


def gpt2():
    return run(transformers.GPT2LMHeadModel(gpt2_sizes()), tokens=padded(10))


def gpt2_classify_text():
    return run(transformers.GPT2ForSequenceClassification(gpt2_sizes(pad_token_id=10, num_labels=3)), tokens=padded(10))


def llama():
    config = transformers.LlamaConfig(**SIZES, num_key_value_heads=2, max_position_embeddings=12)
    return run(transformers.LlamaForCausalLM(config), tokens=TOKENS)


def llama_classify_text():
    config = transformers.LlamaConfig(**SIZES, max_position_embeddings=12, pad_token_id=0, num_labels=3)
    return run(transformers.LlamaForSequenceClassification(config), tokens=TOKENS)


def llama_stretched():
    """Llama 3.2: tied embeddings and scaled rotary positions, in heads wide enough for low frequencies."""
    rope = {"rope_type": "llama3", "rope_theta": 10_000.0, "factor": 8.0}
    rope |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    sizes = {**SIZES, "hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1}
    config = transformers.LlamaConfig(**sizes, rope_parameters=rope, tie_word_embeddings=True)
    return run(transformers.LlamaForCausalLM(config), tokens=TOKENS)


def t5_sizes(**settings):
    sizes = {"vocab_size": 40, "d_model": 16, "d_kv": 6, "d_ff": 24, "num_layers": 2, "num_heads": 4}
    positions = {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 7}
    return transformers.T5Config(**sizes, **positions, **settings)


def t5():
    return run(transformers.T5ForConditionalGeneration(t5_sizes()), source=TOKENS, target=TARGET)


def t5_later():
    """T5 1.1: gated feed-forward layers and an untied output layer."""
    config = t5_sizes(feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    config.tie_word_embeddings = False  # T5Config of this version of transformers sets it to True
    model = transformers.T5ForConditionalGeneration(config)
    model.set_input_embeddings(model.shared)
    return run(model, source=TOKENS, target=TARGET)


def bart():
    side_sizes = {"layers": 2, "attention_heads": 4, "ffn_dim": 24}
    sizes = {f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in side_sizes.items()}
    config = transformers.BartConfig(**sizes, vocab_size=40, d_model=16, max_position_embeddings=12, pad_token_id=1)
    model = transformers.BartForConditionalGeneration(config)
    model.final_logits_bias.copy_(torch.linspace(-1, 1, 40))
    return run(model, source=padded(1), target=padded(1, TARGET))


MODELS = (
    *(bert, bert_masked_token, bert_tag_tokens, bert_find_span, roberta, roberta_masked_token, roberta_tag_tokens),
    *(distilbert, distilbert_masked_token, distilbert_find_span, gpt2, gpt2_classify_text),
    *(llama, llama_classify_text, llama_stretched, t5, t5_later, bart),
)
HUGGINGFACE_INPUTS = {
    "tokens": "input_ids",
    "segments": "token_type_ids",
    "source": "input_ids",
    "target": "decoder_input_ids",
}


def padded(padding, rows=TOKENS):
    """Rows with another padding id."""
    return [[token or padding for token in row] for row in rows]


def run(model, **inputs):
    """The arrays of a golden file: random weights, large enough for every part to matter, inputs and outputs."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            mean = 1.0 if "norm" in name.lower() or ".ln_" in name else 0.0
            weight.copy_(mean * ("bias" not in name) + 0.3 * torch.randn(weight.shape, generator=generator))
    model.config.architectures = [type(model).__name__]
    arguments = {HUGGINGFACE_INPUTS[name]: torch.tensor(rows) for name, rows in inputs.items()}
    padding_mask = torch.tensor(TOKENS) > 0
    model.set_attn_implementation("eager")  # the one that returns weights
    returned = {"output_hidden_states": True, "output_attentions": True}
    with torch.no_grad():
        output = model.eval()(**arguments, attention_mask=padding_mask.long(), **returned)
    hidden = output.decoder_hidden_states if "target" in inputs else output.hidden_states
    return {
        "version": np.array(f"transformers {transformers.__version__}"),
        "config": np.array(json.dumps(model.config.to_dict())),
        **{f"tensor/{name}": array.numpy() for name, array in model.state_dict().items()},
        **{f"input/{name}": np.array(rows, "int32") for name, rows in inputs.items()},
        **dict(attention_weights(output)),
        "visible": np.array(TARGET) > 0 if "target" in inputs else padding_mask.numpy(),
        "features": hidden[-1].numpy(),
        "logits": (
            output.logits if "logits" in output else torch.stack([output.start_logits, output.end_logits], -1)
        ).numpy(),
    }


def attention_weights(output):
    """Yield (name, array) of each layer's attention weights."""
    for kind in ("attentions", "encoder_attentions", "decoder_attentions", "cross_attentions"):
        for i, weights in enumerate(output.get(kind) or ()):
            yield f"{kind}/{i}", weights.numpy()


if __name__ == "__main__":
    for make in MODELS:
        if make.__name__ in (sys.argv[1:] or [make.__name__]):
            np.savez_compressed(FOLDER / f"{make.__name__}.npz", **make())
