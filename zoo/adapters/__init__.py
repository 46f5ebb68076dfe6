"""LoRA adapters: low-rank updates and a head on a frozen backbone, saved without it; many adapters share a backbone."""
