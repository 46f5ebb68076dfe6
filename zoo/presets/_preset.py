"""The contract of a preset: one experiment, completely, as plain frozen dataclasses."""

from dataclasses import dataclass, field

from zoo.architectures import Architecture
from zoo.objectives import Objective
from zoo.tokenizers import TokenizerSpec


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which records are read."""

    spec: str = ""  # tfds:NAME[/CONFIG], sample:NAME or a path; empty: the user gives one
    columns: dict = field(default_factory=dict)  # standard field -> the data's own name for it
    seed: int = 0  # of splits that are drawn because the data has none
    errors: str = "strict"  # or "replace": read broken UTF-8 as U+FFFD


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the weights are found: AdamW with warm-up and decay (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

    weights: str = ""  # folder to start from: its network and its tokenizer are taken; empty: all is learned
    epochs: int = 10
    steps: int = 0  # stop after so many optimizer steps; 0: after all epochs
    batch: int = 32  # examples in a batch
    packing: int = 0  # ids in a row that holds several examples, kept apart, a batch being so many rows; 0: one each
    accumulation: int = 1  # batches whose gradients are added up for one optimizer step
    learning_rate: float = 1e-3  # at its peak
    schedule: str = "linear"  # decay after the warm-up: linear, cosine or constant
    warmup: float = 0.1  # share of all steps in which the learning rate rises
    floor: float = 0.0  # share of the peak to which the learning rate decays
    momentum: float = 0.9  # of the mean of gradients: beta 1
    memory: float = 0.999  # of the mean of squared gradients: beta 2
    weight_decay: float = 0.01  # not on biases and norms
    clip: float = 1.0  # largest global norm of the gradient; 0: any
    average: float = 0.0  # momentum of the moving average of weights that is scored and kept; 0: the last weights are
    interval: int = 0  # optimizer steps between validations, each with its checkpoint; 0: an epoch
    patience: int = 3  # validations without a better score before training stops; 0: never stop early
    precision: str = "float32"  # or mixed_bfloat16, mixed_float16: Keras's dtype policy
    seed: int = 0  # of weights, dropout and the order of examples


@dataclass(frozen=True, kw_only=True)
class LoRA:
    """Which kernels learn low-rank updates while the backbone stays as it is (Hu et al. 2021, arXiv:2106.09685)."""

    rank: int = 0  # of an update; 0: there is none, and all weights learn
    alpha: float = 16.0  # an update counts alpha / rank times
    dropout: float = 0.0  # of what meets the updates
    pattern: str = "attention/"  # regular expression that is found in the paths of the kernels, `zoo.adapters.updates`


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Which weights of the network below the head learn, when and how quickly: the head always learns.

    Blocks are counted from the input on; what stands below the first one, the embeddings, is with it whatever it does.
    """

    freeze: str = ""  # "trunk": all below the head learns nothing; "2": embeddings and two blocks do; "0": embeddings
    layer_decay: float = 1.0  # factor of the learning rate from each block to the one below it: Clark 2020, table 6
    unfreeze: float = 0.0  # epochs until one more block, from the head down, begins to learn: Howard & Ruder 2018
    precision: str = "float32"  # of dense kernels and vectors of tokens that never learn: or bfloat16, int8, for memory


@dataclass(frozen=True, kw_only=True)
class Preset:
    """An architecture, an objective, data, a tokenizer and training settings."""

    architecture: Architecture
    objective: Objective
    tokenizer: TokenizerSpec
    data: Data = Data()
    training: Training = Training()
    lora: LoRA = LoRA()
    tuning: Tuning = Tuning()
