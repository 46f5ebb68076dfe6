"""The contract of a preset: a complete experiment as plain frozen dataclasses."""

from dataclasses import dataclass, field

from zoo.architectures import Architecture
from zoo.objectives import Objective
from zoo.runtime.field_comments import with_field_comments
from zoo.tokenizers import TokenizerSpec


@with_field_comments
@dataclass(frozen=True, kw_only=True)
class Data:
    """The data set: which records are read."""

    spec: str = ""  # tfds:NAME[/CONFIG], sample:NAME or a path; empty: the user names one
    columns: dict[str, str] = field(default_factory=dict)  # standard field -> the data's own name for it
    seed: int = 0  # of validation and test splits that are derived, because the data has none
    errors: str = "strict"  # or "replace": read broken UTF-8 as U+FFFD
    skip_invalid: bool = False  # leave out, and count, rows that cannot be used; False: the first one is an error


@with_field_comments
@dataclass(frozen=True, kw_only=True)
class Training:
    """Training settings: AdamW with warm-up and decay (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

    init: str = ""  # model folder to start from, with its network and tokenizer; empty: random weights
    word_vectors: str = ""  # GloVe, word2vec or fastText file, or a model's folder, that starts the word embedding
    vector_words: int = 0  # first, that is most frequent, words of `word_vectors` that join the vocabulary
    epochs: int = 10  # passes over the training examples, at most: see patience
    max_steps: int = 0  # optimizer steps after which training stops; 0: after all epochs
    batch_size: int = 32  # examples in a batch, or packed rows
    packed_length: int = 0  # sequence packing: ids in a row of several examples; 0: one example a row
    accumulation: int = 1  # gradient accumulation: batches in one optimizer step
    learning_rate: float = 1e-3  # peak of the schedule
    schedule: str = "linear"  # decay after the warm-up: linear, cosine or constant
    warmup: float = 0.1  # warm-up ratio: share of all steps in which the learning rate rises
    min_lr_factor: float = 0.0  # share of the peak to which the learning rate decays
    beta_1: float = 0.9  # decay of the mean of gradients
    beta_2: float = 0.999  # decay of the mean of squared gradients
    weight_decay: float = 0.01  # not on biases and norms
    clip_norm: float = 1.0  # gradient clipping: largest global norm; 0: no clipping
    ema: float = 0.0  # decay of the exponential moving average of the weights, which is validated and saved; 0: off
    validate_every: int = 0  # optimizer steps between validations, each with a checkpoint; 0: an epoch
    patience: int = 3  # early stopping: validations without a better score; 0: off
    keep_checkpoint: bool = True  # in the model folder, to go on later (--resume training.epochs=N); 3 to 5 model sizes
    precision: str = "auto"  # dtype policy: float32, mixed_bfloat16, mixed_float16; auto: bfloat16 on GPUs made for it
    remat: bool = False  # gradient checkpointing: compute blocks again in the backward pass, to save memory
    distribute: str = "none"  # devices of a run on JAX: none (one), data, fsdp or model (docs/scale.md)
    model_devices: int = 0  # that share each weight, with distribute=model; 0: those of a host that divide the heads
    track: str = ""  # experiment tracker that logs the run: mlflow, trackio or wandb
    seed: int = 0  # of initial weights, dropout and the order of examples


@with_field_comments
@dataclass(frozen=True, kw_only=True)
class LoRA:
    """LoRA: low-rank updates of kernels, above a frozen backbone (Hu et al. 2021, arXiv:2106.09685)."""

    rank: int = 0  # rank of an update; 0: no LoRA, all weights are trainable
    alpha: float = 16.0  # an update is scaled by alpha / rank
    dropout: float = 0.0  # of the inputs of the updates
    targets: str = "attention/"  # target modules: a regular expression found in the paths of their kernels


@with_field_comments
@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Fine-tuning: freezing, layer-wise learning-rate decay, gradual unfreezing and quantisation of the backbone.

    The head is always trainable. Blocks are counted from the input on; the embeddings belong to block 0.
    """

    freeze: str = (
        ""  # "backbone": all but the head; "2": the embeddings and two blocks; "0": embeddings; "embedding": words
    )
    layer_decay: float = 1.0  # factor of the learning rate from each block to the one below it: Clark 2020, table 6
    unfreeze_every: float = 0.0  # epochs until the next block, from the head down, is unfrozen: Howard & Ruder 2018
    quantize: str = "float32"  # frozen dense kernels and token embeddings: or bfloat16, int8, to save memory


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A preset: an architecture, an objective, data, a tokenizer and training settings.

    >>> from zoo.architectures.lstm import LSTM
    >>> from zoo.objectives.classify_text import ClassifyText
    >>> from zoo.tokenizers.words import Words
    >>> preset = zoo.Preset(architecture=LSTM(units=64), objective=ClassifyText(), tokenizer=Words())
    >>> preset.training.batch_size
    32
    """

    architecture: Architecture
    objective: Objective
    tokenizer: TokenizerSpec
    data: Data = Data()
    training: Training = Training()
    lora: LoRA = LoRA()
    tuning: Tuning = Tuning()
