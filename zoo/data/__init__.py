"""Where records come from: the contract of a dataset.

A record is a dict with some of the standard fields (`FIELDS`): text, text_pair, label, labels, tokens, tags, context,
question, answers, source, target, instruction, input, output, messages, id. A spec says where records come from:

    sample:NAME                 the sample that the zoo brings along
    tfds:NAME[/CONFIG]          a TensorFlow Dataset
    FILE                        format by extension (.tsv .csv .jsonl .json .txt .conll .conllu), each also .gz
    FOLDER                      with train, valid|val|validation|dev and test files, e.g. train.tsv or test_2016.csv.gz
    PATH.{en,de}                parallel text, source language first: PATH.en[.gz] and PATH.de[.gz], or, where PATH is a
                                folder, its train.en, train.de, valid.en and so on

and `SPEC#SPLIT` picks one split. A file called after a split (dev.tsv) is that split; from any other file, and where a
split is missing beside the training split, splits are drawn with a seed. Answers that do not stand in their context
where they say are left out, which people are told. A new format is one file in `zoo/datasets`.
"""
