"""The same networks from Keras's own layers and in plain PyTorch, for scripts/benchmark.py."""


def keras_model(name, vocabulary, width, classes):
    """The same network from Keras's own layers, compiled."""
    import keras
    from keras import layers, ops

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    padding_mask = ops.not_equal(tokens, 0)
    x = layers.Embedding(vocabulary, width)(tokens)
    if name == "text_cnn":
        x = layers.Dropout(0.3)(x)
        kernels = [layers.Conv1D(100, k, padding="same", activation="relu")(x) for k in (3, 4, 5)]
        x = layers.Dropout(0.5)(ops.concatenate([layers.GlobalMaxPooling1D()(y) for y in kernels], axis=-1))
    elif name.startswith("bi"):
        cell = {"bilstm": layers.LSTM, "bigru": layers.GRU}[name](128, return_sequences=True)
        x = layers.Bidirectional(cell)(layers.Dropout(0.3, noise_shape=(None, 1, None))(x), mask=padding_mask)
        padding = 1e9 * ops.cast(ops.logical_not(padding_mask), "float32")[..., None]
        x = ops.max(layers.Dropout(0.3, noise_shape=(None, 1, None))(x) - padding, axis=1)
    else:
        x = layers.Dropout(0.1)(x + layers.Embedding(512, width)(ops.cumsum(ops.ones_like(tokens), axis=1) - 1))
        for _ in range(2):
            y = layers.LayerNormalization()(x)
            y = layers.MultiHeadAttention(4, width // 4, dropout=0.1)(y, y, attention_mask=padding_mask[:, None, :])
            x = x + layers.Dropout(0.1)(y)
            y = layers.Dropout(0.1)(layers.Dense(512, activation="relu")(layers.LayerNormalization()(x)))
            x = x + layers.Dropout(0.1)(layers.Dense(width)(y))
        x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x), mask=padding_mask)
    model = keras.Model({"tokens": tokens}, layers.Dense(classes)(layers.Dropout(0.1)(x)))
    model.compile(
        keras.optimizers.AdamW(), keras.losses.CategoricalCrossentropy(True), weighted_metrics=["categorical_accuracy"]
    )
    return model


def torch_model(name, vocabulary, width, classes, packed):
    """The same network in plain PyTorch; recurrent layers on packed sequences, or on the padding too."""
    import torch
    from torch import nn

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
            self.positions = nn.Embedding(512, width)
            self.dropouts = nn.ModuleList(nn.Dropout(rate) for rate in (0.1, 0.3, 0.5))
            size = width
            if name == "text_cnn":
                self.kernels = nn.ModuleList(nn.Conv1d(width, 100, k, padding=k // 2) for k in (3, 4, 5))
                size = 300
            elif name.startswith("bi"):
                self.cell = getattr(nn, name[2:].upper())(width, 128, batch_first=True, bidirectional=True)
                size = 256
            else:
                block = nn.TransformerEncoderLayer(width, 4, 512, 0.1, batch_first=True, norm_first=True)
                self.blocks = nn.TransformerEncoder(block, 2, nn.LayerNorm(width), enable_nested_tensor=False)
            self.output = nn.Linear(size, classes)

        def forward(self, tokens):
            padding_mask = tokens != 0
            x = getattr(self, {"text_cnn": "convolve", "transformer_encoder": "attend"}.get(name, "recur"))(
                tokens, padding_mask
            )
            return self.output(self.dropouts[0](x))

        def convolve(self, tokens, padding_mask):
            x = self.dropouts[1](self.embedding(tokens)).transpose(1, 2)
            return self.dropouts[2](torch.cat([kernel(x).relu().amax(2) for kernel in self.kernels], 1))

        def recur(self, tokens, padding_mask):
            x = self.dropouts[1](self.embedding(tokens))
            if packed:
                x = nn.utils.rnn.pack_padded_sequence(x, padding_mask.sum(1), batch_first=True, enforce_sorted=False)
            x = self.cell(x)[0]
            if packed:
                x = nn.utils.rnn.pad_packed_sequence(x, batch_first=True)[0]
            return self.dropouts[1](x).masked_fill(~padding_mask[..., None], -torch.inf).amax(1)

        def attend(self, tokens, padding_mask):
            x = self.embedding(tokens) + self.positions(torch.arange(tokens.shape[1]))
            x = self.blocks(self.dropouts[0](x), src_key_padding_mask=~padding_mask) * padding_mask[..., None]
            return x.sum(1) / padding_mask.sum(1, keepdim=True)

    return Classifier()
