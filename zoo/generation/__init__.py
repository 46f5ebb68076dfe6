"""Autoregressive text generation with per-layer caches, compiled on every backend.

Three storeys: `text_generator` takes texts, `generate` token ids, `loop` arrays. `generation_config` holds the
parameters, `logits_processors` apply them to logits. `beam_search`, `contrastive_search` and `speculative` are other
decoding strategies than greedy decoding and sampling. `chat` keeps a conversation with the `prompt_cache` of its text;
`constraints` hold for the text; `resumable` generates a long file.
"""
