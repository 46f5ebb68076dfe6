"""Adapters: LoRA updates and a head, trained on a frozen backbone and saved apart from it; several on one backbone."""
