"""Derived splits: which records of a training file become validation and test records."""

import hashlib

BLOCK = 10  # of every ten records, one goes to a derived validation split and one to a derived test split


def split_at_end(index: int, total: int) -> str:
    """The derived split of a record of running text: eight tenths train, then one validation, one test."""
    return "train" if index < total * 8 // BLOCK else "validation" if index < total * 9 // BLOCK else "test"


def splits_of_block(seed: int, block: int) -> list[str]:
    """The derived splits of a block of `BLOCK` records, by a hash of the seed: one for validation, one for the test.

    Shares are exact, a file is read once, and records in sorted order are still spread over all splits.
    """
    digest = hashlib.blake2b(f"{seed}:{block}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    splits = ["train"] * BLOCK
    validation = number % BLOCK
    splits[validation] = "validation"
    splits[(validation + 1 + number // BLOCK % (BLOCK - 1)) % BLOCK] = "test"
    return splits
