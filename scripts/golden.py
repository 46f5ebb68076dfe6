"""Write tests/golden/*.npz: small networks of Hugging Face transformers, their inputs and what they make of them.

python scripts/golden.py [NAME ...]

Each file holds the reference's version, its config.json, every tensor under its own name, the network's inputs under
the names that they have here, features, and the logits of the head. Needs torch and transformers.
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
TYPES = [[0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0, 0], [0] * 8]


def bert():
    config = transformers.BertConfig(**SIZES, max_position_embeddings=12, num_labels=3)
    return run(transformers.BertForSequenceClassification(config), tokens=TOKENS, types=TYPES)


def bert_masked_token():
    config = transformers.BertConfig(**SIZES, max_position_embeddings=12)
    return run(transformers.BertForMaskedLM(config), tokens=TOKENS, types=TYPES)


def roberta():
    config = transformers.RobertaConfig(**SIZES, max_position_embeddings=14, type_vocab_size=1, num_labels=3)
    return run(transformers.RobertaForSequenceClassification(config), tokens=padded(1))


def roberta_masked_token():
    config = transformers.RobertaConfig(**SIZES, max_position_embeddings=14, type_vocab_size=1)
    return run(transformers.RobertaForMaskedLM(config), tokens=padded(1))


def distilbert_sizes():
    sizes = {"vocab_size": 40, "dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 24}
    return transformers.DistilBertConfig(**sizes, max_position_embeddings=12, num_labels=3)


def distilbert():
    return run(transformers.DistilBertForSequenceClassification(distilbert_sizes()), tokens=TOKENS)


def distilbert_masked_token():
    return run(transformers.DistilBertForMaskedLM(distilbert_sizes()), tokens=TOKENS)


def gpt2():
    sizes = {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 12}
    config = transformers.GPT2Config(**sizes, bos_token_id=10, eos_token_id=10)
    return run(transformers.GPT2LMHeadModel(config), tokens=padded(10))


def llama():
    config = transformers.LlamaConfig(**SIZES, num_key_value_heads=2, max_position_embeddings=12)
    return run(transformers.LlamaForCausalLM(config), tokens=TOKENS)


def llama_stretched():
    """As Llama 3.2, whose vectors give the logits too; with heads so wide that some turns are slow."""
    turn = {"rope_type": "llama3", "rope_theta": 10_000.0, "factor": 8.0}
    turn |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    sizes = {**SIZES, "hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1}
    config = transformers.LlamaConfig(**sizes, rope_parameters=turn, tie_word_embeddings=True)
    return run(transformers.LlamaForCausalLM(config), tokens=TOKENS)


MODELS = (
    *(bert, bert_masked_token, roberta, roberta_masked_token, distilbert, distilbert_masked_token),
    *(gpt2, llama, llama_stretched),
)
THEIRS = {"tokens": "input_ids", "types": "token_type_ids"}


def padded(padding):
    """TOKENS with another id for padding, and that id's place taken by none of the tokens."""
    return [[token or padding for token in row] for row in TOKENS]


def run(model, **inputs):
    """What is written for a model: its weights drawn anew, large enough for every part to matter."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            near = 1.0 if "norm" in name.lower() or ".ln_" in name else 0.0
            weight.copy_(near * ("bias" not in name) + 0.3 * torch.randn(weight.shape, generator=draw))
    model.config.architectures = [type(model).__name__]
    given = {THEIRS[name]: torch.tensor(rows) for name, rows in inputs.items()}
    visible = torch.tensor(TOKENS) > 0
    with torch.no_grad():
        found = model.eval()(**given, attention_mask=visible.long(), output_hidden_states=True)
    return {
        "version": np.array(f"transformers {transformers.__version__}"),
        "config": np.array(json.dumps(model.config.to_dict())),
        **{f"tensor/{name}": array.numpy() for name, array in model.state_dict().items()},
        **{f"input/{name}": np.array(rows, "int32") for name, rows in inputs.items()},
        "visible": visible.numpy(),
        "features": found.hidden_states[-1].numpy(),
        "logits": found.logits.numpy(),
    }


if __name__ == "__main__":
    for make in MODELS:
        if make.__name__ in (sys.argv[1:] or [make.__name__]):
            np.savez_compressed(FOLDER / f"{make.__name__}.npz", **make())
