"""Autoregressive text generation with per-layer caches, compiled on every backend.

Three levels: `text_generator` takes texts, `generate` token ids, `loop` arrays. `generation_config` holds the
parameters, `logits_processors` apply them to logits. `beam_search`, `contrastive_search` and `speculative` are
decoding strategies beside greedy decoding and sampling. `chat` answers turn by turn with a `prompt_cache`;
`constraints` is constrained decoding; `resumable` generates batches into a file.
"""
