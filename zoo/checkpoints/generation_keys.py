"""Keys of generation_config.json: those with a parameter here, those without effect on texts, and those not applied.

They are those of `GenerationConfig` of transformers 5:
https://huggingface.co/docs/transformers/main_classes/text_generation
"""

from typing import Any

FILE = "generation_config.json"
TOP_K = 50  # that transformers samples from where nothing is said
NUMBERS: dict[str, tuple[str, Any]] = {  # key -> (parameter of `GenerationConfig`, value that changes nothing)
    "num_beams": ("beams", 1),
    "length_penalty": ("length_penalty", 1.0),
    "repetition_penalty": ("repetition_penalty", 1.0),
    "no_repeat_ngram_size": ("no_repeat_ngram", 0),
    "num_return_sequences": ("return_sequences", 1),
    "min_new_tokens": ("min_tokens", 0),
    "max_new_tokens": ("max_new_tokens", None),
}
SAMPLING: dict[str, tuple[str, Any]] = {  # the same, of sampling; without effect unless `do_sample`
    "temperature": ("temperature", 1.0),
    "top_k": ("top_k", 0),
    "top_p": ("top_p", 1.0),
    "min_p": ("min_p", None),
    "typical_p": ("typical_p", 1.0),
}
LENGTHS = ("max_length", "min_length")
IDS = ("bad_words_ids", "suppress_tokens")  # ids that are never generated
STARTS = ("decoder_start_token_id", "forced_bos_token_id")  # ids that the decoder of an encoder-decoder starts with
TOKENIZER = ("eos_token_id", "bos_token_id", "pad_token_id", "sep_token_id", "cls_token_id", "mask_token_id")
NOT_APPLIED: dict[str, tuple[Any, ...]] = {  # key -> values that change nothing
    **dict.fromkeys(("early_stopping", "renormalize_logits", "token_healing"), (False,)),
    **dict.fromkeys(("encoder_repetition_penalty", "encoder_no_repeat_ngram_size"), (0, 1.0)),
    **dict.fromkeys(("diversity_penalty", "epsilon_cutoff", "eta_cutoff"), (0.0,)),
    **dict.fromkeys(("num_beam_groups", "guidance_scale"), (1, 1.0)),
    **dict.fromkeys(("top_h", "exponential_decay_length_penalty", "begin_suppress_tokens", "sequence_bias"), ()),
    **dict.fromkeys(("stop_strings", "constraints", "force_words_ids", "watermarking_config"), ()),
    **dict.fromkeys(("forced_eos_token_id", "penalty_alpha", "dola_layers", "max_time", "custom_generate"), ()),
}
UNUSED = (  # how transformers computes or what it returns, not which text
    *("use_cache", "cache_implementation", "cache_config", "max_cache_len", "remove_invalid_values", "low_memory"),
    *("output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate"),
    *("is_assistant", "num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold"),
    *("assistant_early_exit", "assistant_lookbehind", "target_lookbehind", "assistant_ensemble_weight"),
    *("prompt_lookup_num_tokens", "max_matching_ngram_size", "compile_config", "disable_compile", "use_mtp"),
    *("continuous_batching_config", "prefill_chunk_size", "speculation_type", "transformers_version"),
    "return_legacy_cache",
)
KEYS = {
    *NUMBERS, *SAMPLING, *LENGTHS, *IDS, *NOT_APPLIED, "do_sample",
    "decoder_start_token_id", "forced_bos_token_id",
}  # fmt: skip
