"""The tokenizer inside a TensorFlow graph, of core operations only. Imports TensorFlow: import it where it is needed.

Each file is the graph's half of a pair; the other half works on Python strings and NumPy arrays:

    graph_tokenizer.py      zoo/text/tokenizer.py, zoo/text/template.py
    from_tokenizer.py       tokenizer.json, which zoo/text/tokenizer_files.py loads
    graph_added_tokens.py   zoo/text/added_tokens.py
    splits.py               zoo/text/splitting.py
    characters.py           zoo/text/unicode.py, and the library's normalisers
    detokenizer.py          zoo/text/token_bytes.py
    graph_windows.py        zoo/data/qa_windows.py
    graph_words.py          zoo/data/word_alignment.py
    masks.py, prompts.py    zoo/objectives/masked_token.py, PromptTemplate of zoo/objectives/_objective.py

The rest stands for parts of the tokenizers library: readers.py, subword_models.py, byte_pairs.py, word_pieces.py and
unicode_tables.py; ragged.py holds what all of them do with rows of several lengths.
"""
