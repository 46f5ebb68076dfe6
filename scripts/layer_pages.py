"""The page of layers, docs/layers.md, from their docstrings: arguments, shapes, masks, caches, examples."""

import inspect
import re
from dataclasses import MISSING

GROUPS = {  # heading -> modules of zoo.layers
    "Attention and Transformer blocks": ("attention", "transformer", "relative_positions", "positions"),
    "Recurrent layers": ("cells", "attention_decoder", "decoder_attention"),
    "Convolution and pooling": ("convolution", "pooling"),
    "Embeddings, masks and dropout": ("embedding", "dropout", "dense", "example_mask"),
    "Words of characters": ("word_features",),
    "Heads": ("crf", "token_logits", "answer_spans"),
    "Losses and metrics": ("label_loss", "contrastive_loss", "rdrop_loss"),
    "Caches": ("cache",),
}
FEATURES = {"x": "features, (batch, time, width)."}  # described where it is anything else


def layer_pages(table):
    """A section for each group of public layers, with an entry for each of them; `table` makes a Markdown table."""
    from zoo import layers

    things = [getattr(layers, name) for name in layers.__all__]
    parts = []
    for heading, modules in GROUPS.items():
        group = [thing for module in modules for thing in things if thing.__module__.endswith(f".{module}")]
        parts += [f"## {heading}", *(entry(thing, table) for thing in group)]
    return "\n\n".join(parts)


def entry(thing, table):
    """The entry of a layer: what it is, its arguments, its call, masks and cache, an example."""
    doc = sections(thing.__doc__)
    parts = [f"### `{thing.__name__}`", doc["text"]]
    rows = argument_rows(thing, doc["Args"] | doc["Attributes"])
    parts += [table(["argument", "type", "default", "meaning"], rows)] if rows else []
    if inspect.isclass(thing) and "call" in dir(thing):
        parts += call_parts(thing)
    parts += [f"```pycon\n{doc['example']}\n```"] if doc["example"] else []
    return "\n\n".join(parts)


def call_parts(cls):
    """The signature of `call`, what its arguments mean, and what becomes of masks."""
    from zoo.layers.implicit_mask import ImplicitMask, PassesMask

    doc = sections(cls.call.__doc__ or "")
    names = [str(p).split(":")[0] for p in inspect.signature(cls.call).parameters.values() if p.name != "self"]
    parts = [f"`call({', '.join(names)})`. {doc['text']}".strip()]
    parts += ["\n".join(f"- `{name}`: {meaning}" for name, meaning in doc["Args"].items())] if doc["Args"] else []
    if issubclass(cls, ImplicitMask):
        parts.append("Keras's implicit mask is its padding mask.")
    elif issubclass(cls, PassesMask):
        parts.append("Keras's implicit mask is passed on.")
    return parts


def argument_rows(thing, meanings):
    """A row for each argument of a class or function: name, type, default, meaning."""
    rows = []
    for p in inspect.signature(thing).parameters.values():
        if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) or (inspect.isclass(thing) and p.name == "name"):
            continue
        hint = (
            ""
            if p.annotation is p.empty
            else re.sub(r"[a-z_.]+\.(?=[A-Z])", "", inspect.formatannotation(p.annotation))
        )
        default = "" if p.default in (p.empty, MISSING) else f"`{getattr(p.default, '__name__', repr(p.default))}`"
        rows.append(
            [f"`{p.name}`", f"`{hint}`" if hint else "", default, meanings.get(p.name, FEATURES.get(p.name, ""))]
        )
    return rows


def sections(doc):
    """A docstring's parts: `text`, `example`, and {name: meaning} of `Args` and `Attributes`."""
    doc = inspect.cleandoc(doc or "")
    example = "\n".join(re.findall(r"^>>> .*(?:\n(?!\n).+)*", doc, re.MULTILINE))
    parts = {"example": example, "Args": {}, "Attributes": {}}
    for heading in ("Args", "Attributes"):
        (body,) = re.findall(rf"^{heading}:\n((?: {{4}}.*\n?|\n)*)", doc, re.MULTILINE) or [""]
        for names, meaning in re.findall(r"^ {4}([\w, ]+): (.*(?:\n {8}.*)*)", body, re.MULTILINE):
            parts[heading] |= dict.fromkeys(names.split(", "), " ".join(meaning.split()))
    text = re.sub(r"^(Args|Attributes|Class attributes):\n(?: {4}.*\n?|\n)*", "", doc, flags=re.MULTILINE)
    text = re.sub(r"^>>> .*(?:\n(?!\n).+)*", "", text, flags=re.MULTILINE)
    parts["text"] = re.sub(r"\n{3,}", "\n\n", text).strip()
    return parts
