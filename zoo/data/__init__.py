"""From a dataset spec to batches: records, tokenised examples, collated arrays.

A record is a dict with standard fields (`zoo.data.fields.FIELDS`): text, text_pair, ending, label, labels, tokens,
tags, spans, context, question, answers, source, target, instruction, input, output, messages, id. A spec names its
source:

    sample:NAME                 a sample dataset that comes with the zoo
    tfds:NAME[/CONFIG]          a TensorFlow Dataset
    hf:NAME[/CONFIG]            a dataset of the Hugging Face Hub, or of a folder that `datasets.load_dataset` reads
    FILE                        format by extension (.tsv .csv .jsonl .json .txt .conll .conllu .spacy .parquet .arrow
                                .feather .xlsx .ods ...), each also .gz; FILE.xlsx/SHEET is one sheet of a workbook
    FOLDER                      with train, valid|val|validation|dev and test files, e.g. train.tsv or test_2016.csv.gz;
                                with a folder of text files for each class, CLASS/*.txt or SPLIT/CLASS/*.txt; as
                                `save_to_disk` of a Hugging Face dataset writes it; or of brat, NAME.txt with NAME.ann
    PATH.{en,de}                parallel text, source language first: PATH.en[.gz] and PATH.de[.gz], or, where PATH is a
                                folder, its train.en, train.de, valid.en and so on

In place of a spec, Python takes data in memory, such as a data frame: see `zoo.readers.memory`.

`SPEC#SPLIT` picks one split. A file with a split's name (dev.tsv) is that split. From any other file, and where a split
is missing beside the training split, splits are derived with a seed. Answers whose text is not at their offset are
dropped with a message. A new format is one file in `zoo/readers`, or your own class with `@zoo.register`.

Training passes over a dataset twice: `zoo.training.training_data` collects labels and trains the tokenizer, and
`zoo.data.tokenization` writes examples to disk. These keys travel from `Objective.examples` through `Collator`,
`PackedExamples`, `ContiguousBatches` and `Objective.collate` into the network. Shapes and dtypes are those of a batch;
in packed rows, keys without time have one array for each example: (rows, examples, size).

    key                         shape and dtype              made by                  read by
    tokens                      (rows, time) int32           examples                 network
    source                      (rows, time) int32           examples                 encoder
    target                      (rows, time) int32           examples                 decoder
    segments                    (rows, time) int32           examples                 network; 1 in a second text
    labels                      (rows, time) int32           examples                 loss; `IGNORE`: no label
                                or (rows, classes) uint8                              loss of classify_text
    label                       (rows, classes) uint8        examples                 loss of classify_and_tag
    score                       (rows, 1) float32            examples                 loss of score_pair
    follows                     (rows, 1) uint8              examples                 loss of sentence pairs
    ends                        (rows, 3) int32              examples                 collate of embed_text
    word_ids                    (rows, time) int32           examples                 masking; -1 at special tokens
    mask_token_and_size         (rows, 2) int32              examples                 masking
    mask_positions              (rows, positions) int32      masking                  masked-LM head
    example_ids_of_TEXT         (rows, time) int32           packing                  attention; 0 at padding
    positions_of_TEXT           (rows, time) int32           packing                  positions within an example
    example_mask                (rows, examples) int32       packing                  pooling and losses of a text
    reset                       (rows, 1) float32            contiguous batches       recurrent layers; 1 resets

TEXT is tokens, source or target.
"""
