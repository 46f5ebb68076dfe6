"""The tokenizer inside a TensorFlow graph, of core operations only. Imports TensorFlow: import it inside functions.

Each file does in the graph what another does with Python strings and NumPy arrays:

    graph_tokenizer.py      zoo/text/tokenizer.py, zoo/text/template.py
    from_tokenizer.py       tokenizer.json, which zoo/text/tokenizer_files.py loads
    graph_added_tokens.py   zoo/text/added_tokens.py
    splits.py               zoo/text/splitting.py
    characters.py           zoo/text/unicode.py, and the library's normalisers
    detokenizer.py          zoo/text/token_bytes.py
    graph_windows.py        zoo/data/qa_windows.py
    graph_words.py          zoo/data/word_alignment.py
    masks.py, prompts.py    zoo/data/mask_text.py, PromptTemplate of zoo/objectives/_objective.py

The others do what the tokenizers library does: readers.py, subword_models.py, byte_pairs.py, word_pieces.py and
unicode_tables.py; and for SentencePiece sentence_pieces.py, unigram.py, compiled_normalizer.py, graphemes.py and
space_normalizers.py, which from_sentence_pieces.py builds. All of them use the ragged rows of ragged.py.
"""
