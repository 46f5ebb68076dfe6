"""The works of scripts/benchmark_gpu.py in plain PyTorch: GPT-2 compiled as nanoGPT's, transformers, torch.nn.LSTM."""

import torch
from torch import nn
from torch.nn import functional

VOCABULARY_MULTIPLE = 64  # nanoGPT rounds the vocabulary of GPT-2 up to 50,304
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Block(nn.Module):
    """A pre-norm block of GPT-2."""

    def __init__(self, width, heads, hidden, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        heads = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        y = functional.scaled_dot_product_attention(*heads, is_causal=True, dropout_p=self.dropout)
        x = x + functional.dropout(self.out(y.transpose(1, 2).flatten(2)), self.dropout)
        y = self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))
        return x + functional.dropout(y, self.dropout)


class GPT2(nn.Module):
    """GPT-2 with tied word vectors; its output is the mean loss."""

    def __init__(self, vocabulary, length, width, heads, hidden, depth, dropout):
        super().__init__()
        rows = -(-vocabulary // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
        self.words, self.positions, self.dropout = nn.Embedding(rows, width), nn.Embedding(length, width), dropout
        blocks = (Block(width, heads, hidden, dropout) for _ in range(depth))
        self.blocks, self.norm = nn.Sequential(*blocks), nn.LayerNorm(width)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens, targets):
        x = self.words(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        x = self.norm(self.blocks(functional.dropout(x, self.dropout)))
        logits = functional.linear(x, self.words.weight)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def gpt2_steps(size, dropout, batch, steps):
    """A function that runs steps of GPT-2, compiled as a whole."""
    model = GPT2(**size, dropout=dropout).to(DEVICE)
    compiled = torch.compile(model)
    tokens, targets = (torch.from_numpy(array).long().to(DEVICE) for array in (batch[0]["tokens"], batch[1]))
    return loop_steps(model, lambda: compiled(tokens, targets), steps)


def bert_steps(size, batch, steps):
    """A function that runs steps of transformers' BERT with a classification head, without compilation."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=size["vocabulary"],
        hidden_size=size["width"],
        num_hidden_layers=size["depth"],
        num_attention_heads=size["heads"],
        intermediate_size=size["hidden"],
        max_position_embeddings=size["length"],
    )
    model = BertForSequenceClassification(config).to(DEVICE).train()
    tokens = torch.from_numpy(batch[0]["tokens"]).long().to(DEVICE)
    labels = torch.from_numpy(batch[1].argmax(-1)).to(DEVICE)
    mask = (tokens != 0).long()
    return loop_steps(model, lambda: model(tokens, attention_mask=mask, labels=labels).loss, steps)


def lstm_steps(size, batch, steps):
    """A function that runs steps of a classifier of torch.nn's LSTM with max pooling."""

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(size["vocabulary"], size["width"])
            options = {"num_layers": size["depth"], "bidirectional": True, "batch_first": True}
            self.lstm = nn.LSTM(size["width"], size["units"], **options)
            self.out = nn.Linear(2 * size["units"], 2)

        def forward(self, tokens):
            return self.out(self.lstm(self.words(tokens))[0].max(1).values)

    model = Classifier().to(DEVICE)
    tokens = torch.from_numpy(batch[0]["tokens"]).long().to(DEVICE)
    labels = torch.from_numpy(batch[1].argmax(-1)).to(DEVICE)
    return loop_steps(model, lambda: functional.cross_entropy(model(tokens), labels), steps)


def loop_steps(model, loss_of_batch, steps):
    """A function that runs `steps` steps with fused AdamW and clipping, in bfloat16 on a GPU."""
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=0.01, fused=True)

    def run():
        for _ in range(steps):
            with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
                loss = loss_of_batch()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        loss.item()

    return run
