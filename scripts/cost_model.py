"""Cost model of training on many devices: bytes and operations a step, from 1 to 1,000 devices. Computed, not measured.

python scripts/cost_model.py prints the tables of docs/scale.md, whose formulas and sources stand there.
"""

import argparse
from dataclasses import dataclass

PEAK = 989e12  # operations a second in bfloat16 of an H100 or H200, dense: NVIDIA's data sheet
MFU = 0.39  # model FLOPs utilisation of GPT-2 124M on one H200, measured: docs/scale.md
NVLINK, NETWORK = 450e9, 50e9  # bytes a second of a device each way, in a host (NVLink 4) and between hosts (NDR 400)
HOST = 8  # devices
DEVICES = (1, 8, 64, 512, 1000)
FLOAT32, BFLOAT16 = 4, 2  # bytes: weights and gradients are float32, activations bfloat16 (mixed_bfloat16)
STATE = 5 * FLOAT32  # bytes a weight: the weight, its gradient, two moments of AdamW, the best weights so far


@dataclass(frozen=True)
class Network:
    """A decoder-only Transformer with 16,384 tokens a step on each device."""

    name: str
    weights: float  # all that multiply something: without learned positions
    depth: int
    width: int
    length: int
    shared: int  # devices of a host that divide the heads, and share a weight with training.distribute=model
    tokens: int = 16 * 1024

    @property
    def operations(self) -> float:
        """Operations a step of a device: 6 a weight and token, and attention."""
        return self.tokens * (6 * self.weights + 12 * self.depth * self.width * self.length)


NETWORKS = (
    Network("GPT-2 124M, 16 x 1,024 tokens a device", 123.65e6, 12, 768, 1024, 4),
    Network("Llama 2 7B, 4 x 4,096 tokens a device", 6.74e9, 32, 4096, 4096, 8),
)


def scatter(size: float, devices: int, host: int = HOST) -> tuple[float, float]:
    """(bytes, seconds) of a device in one reduce-scatter, or one all-gather, of `size` bytes, `host` devices a host."""
    inside, hosts = min(devices, host), -(-devices // host)
    within, between = size * (inside - 1) / inside, size / inside * (hosts - 1) / hosts
    return within + between, within / NVLINK + between / NETWORK


def data(network: Network, devices: int) -> tuple[float, float, float]:
    """(bytes sent, seconds of communication, bytes of state) of a device: an all-reduce of the gradients."""
    sent, seconds = scatter(FLOAT32 * network.weights, devices)
    return 2 * sent, 2 * seconds, STATE * network.weights


def fsdp(network: Network, devices: int) -> tuple[float, float, float]:
    """The same: two all-gathers of the weights, for the forward and the backward pass, and a reduce-scatter."""
    sent, seconds = scatter(FLOAT32 * network.weights, devices)
    return 3 * sent, 3 * seconds, STATE * network.weights / devices


def model(network: Network, devices: int) -> tuple[float, float, float]:
    """The same: four all-reduces of activations a block among the devices of a weight, and of the gradients."""
    shared = min(devices, network.shared)
    activations = network.tokens * shared * network.width * BFLOAT16  # of the tokens of these devices
    sent, seconds = scatter(activations, shared)
    gradients, time = scatter(FLOAT32 * network.weights / shared, devices // shared, HOST // shared)
    count = 2 * 4 * network.depth
    return count * sent + 2 * gradients, count * seconds + 2 * time, STATE * network.weights / shared


def table(network: Network) -> str:
    """A Markdown table of a network."""
    compute = network.operations / (MFU * PEAK)
    lines = [
        f"**{network.name}**: {network.operations / 1e12:.1f} TFLOP a step and device, {1e3 * compute:.1f} ms.",
        "",
        "| devices | " + " | ".join(f"{mode.__name__}: GB sent, ms, GB of state, share" for mode in MODES) + " |",
        "| --- |" + " --- |" * len(MODES),
    ]
    for devices in DEVICES:
        cells = []
        for mode in MODES:
            sent, seconds, state = mode(network, devices)
            worst = compute / (compute + seconds)
            best = compute / max(compute, seconds)
            cells.append(f"{sent / 1e9:.2f}, {1e3 * seconds:.1f}, {state / 1e9:.2f}, {worst:.0%} to {best:.0%}")
        lines.append(f"| {devices:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


MODES = (data, fsdp, model)

if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("\n\n".join(map(table, NETWORKS)))
