"""Models that answer by a rule: every kind of answer that the page of `zoo serve` shows, and every way to fail."""

import re
import time

EVIL = "<img src=x onerror=window.attacked=1>"
ENTITIES = ("date", "money", "order", "person", "place", "product", "shop", "street", EVIL)


def spans(text):
    """Each capitalised word or number of a text as an entity, with offsets in characters, and one entry of padding."""
    words = list(re.finditer(r"[A-Z]\w+|£?\d+|<[^>]*>", text))
    labels = [ENTITIES[i % len(ENTITIES)] for i in range(len(words))]
    return {
        "labels": [*labels, ""],
        "texts": [*(word.group() for word in words), ""],
        "starts": [*(word.start() for word in words), -1],
        "ends": [*(word.end() for word in words), -1],
        "scores": [*(0.5 + 0.5 / (1 + i) for i in range(len(words))), 0.0],
    }


def answer_span(row):
    start = row["context"].find("Norwich")
    exists = start >= 0
    return {
        "answer": "Norwich" if exists else "",
        "start": start,
        "end": start + 7 if exists else -1,
        "score": 0.9 if exists else 0.7,
        "no_answer": 0.1 if exists else 0.7,
    }


def masks(row):
    count = len(re.findall(r"\[MASK\]|<mask>", row["text"]))
    return {
        "text": re.sub(r"\[MASK\]|<mask>", "parcel", row["text"]),
        "guesses": [["parcel", "order"]] * count,
        "scores": [[0.75, 0.2]] * count,
    }


def classes(labels, **extra):
    shares = [2.0**-i for i in range(1, len(labels) + 1)]
    return {"labels": labels, "probabilities": shares, **extra}


def generated(row):
    return {"text": f"{row['text']} and so on", "length": row.get("max_new_tokens", 3), "finished": False}


MODELS = {  # name: (inputs, answer to a row)
    "classify": (("text",), lambda row: classes(["return", "delivery", "payment"])),
    "several": (("text",), lambda row: classes(["urgent", "angry", "calm"], selected=[True, True, False])),
    "many": (("text",), lambda row: classes([f"label {i}" for i in range(200)])),
    "evil": (("text",), lambda row: classes([EVIL, "<b>bold</b>"])),
    "tags": (("text",), lambda row: spans(row["text"])),
    "both": (("text",), lambda row: spans(row["text"]) | {"label": "return", "probability": 0.8}),
    "span": (("context", "question"), answer_span),
    "mask": (("text",), masks),
    "next": (("text", "text_pair"), lambda row: {"follows": True, "probability": 0.6}),
    "pair": (("text", "text_pair"), lambda row: 3.25),
    "embed": (("text",), lambda row: [0.6, 0.8, 0.0]),
    "writer": (("text",), generated),
    "chat": (("text",), generated),
    "other": (("text",), lambda row: {"a": [1, float("nan")], "b": {"b64": "AAE="}}),
    "long": (("text",), lambda row: {"a": list(range(30_000)), "b": 1}),
    "odd": (("text",), lambda row: {"labels": "not a list", "probabilities": None}),
    "slow": (("text",), lambda row: time.sleep(1.5) or 1.0),
    "full": (("text",), None),
}
OUTPUTS = {
    "pair": ["score"],
    "embed": ["vector"],
    "slow": ["score"],
    "full": ["score"],
    "odd": ["labels", "probabilities"],
}
