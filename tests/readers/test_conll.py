"""CoNLL files of every layout: which columns are tokens and tags, comments, document lines, spaces and tabs."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.data.opening import open_dataset
from zoo.readers.conll import Conll

SENTENCES = [
    [
        ("Ada", "NNP", "B-NP", "B-PER"),
        ("Byron", "NNP", "I-NP", "I-PER"),
        ("sleeps", "VBZ", "B-VP", "O"),
        (".", ".", "O", "O"),
    ],
    [
        ("In", "IN", "B-PP", "O"),
        ("Kyoto", "NNP", "B-NP", "B-LOC"),
        ("it", "PRP", "B-NP", "O"),
        ("rains", "VBZ", "B-VP", "O"),
    ],
    [("Yes", "UH", "B-INTJ", "O"), ("!", ".", "O", "O")],
]
TOKENS = [[word for word, *_ in sentence] for sentence in SENTENCES]
TAGS = [[tag for *_, tag in sentence] for sentence in SENTENCES]
NAMES = {"B-PER": "(PERSON*", "I-PER": "*)", "B-LOC": "(GPE)", "O": "*"}
PARSE = {"B-NP": "(NP*", "I-NP": "*)", "B-VP": "(S(VP*", "B-PP": "(PP*", "B-INTJ": "(INTJ*", "O": "*))"}
LAYOUTS = {  # name: (a line, text before each sentence, column of the tokens, of the tags)
    "conll2000": (lambda n, w, p, c, t: f"{w} {p} {c}", "", 1, 3),
    "conll2002": (lambda n, w, p, c, t: f"{w} {t}", "-DOCSTART- -DOCSTART-\n\n", 1, 2),
    "conll2003": (lambda n, w, p, c, t: f"{w} {p} {c} {t}", "-DOCSTART- -X- -X- O\n\n", 1, 4),
    "lemmas": (lambda n, w, p, c, t: f"{w} {w.lower()} {p} {c} {t}", "", 1, 5),
    "numbered": (lambda n, w, p, c, t: f"{n} {w} {p} {c} {t}", "1 -DOCSTART- -X- O O\n\n", 2, 5),
    "germeval": (
        lambda n, w, p, c, t: f"{n}\t{w}\t{t}\t{'B-LOC' if w == 'Ada' else 'O'}",
        "#\thttp://a.org/1 [2010]\n",
        2,
        3,
    ),
    "outer only": (lambda n, w, p, c, t: f"{n}\t{w}\t{t}\tO", "#\thttp://a.org/1 [2010]\n", 2, 3),
    "multiconer": (lambda n, w, p, c, t: f"{w} _ _ {t}", "# id 1b2c\tdomain=train\n", 1, 4),
    "conll2012": (
        lambda n, w, p, c, t: f"bc/x/0   0   {n - 1}   {w}   {p}   {PARSE[c]}   -   -   -   Ann   {NAMES[t]}   *   -",
        "#begin document (bc/x/0); part 000\n",
        4,
        11,
    ),
    "conllu": (lambda n, w, p, c, t: f"{n}\t{w}\t{w}\t{p}\t_\t_\t0\tx\t_\t_", "# sent_id = 1\n", 2, 4),
    "tag first": (lambda n, w, p, c, t: f"{t}\t{w}", "", 2, 1),
    "tag first of three": (lambda n, w, p, c, t: f"{t} {w} {p}", "", 2, 1),
    "document names": (lambda n, w, p, c, t: f"doc_7 {w} {t}", "# text\n", 2, 3),
    "offsets": (lambda n, w, p, c, t: f"{3 * n} {3 * n + 2} {w} {t}", "", 3, 4),
    "bars": (lambda n, w, p, c, t: f"{w}\t{t.replace('-', '_')}", "", 1, 2),
}


def write(path, layout):
    line, before, *_ = LAYOUTS[layout]
    text = ""
    for sentence in SENTENCES * 4:
        text += before + "".join(f"{line(number, *word)}\n" for number, word in enumerate(sentence, 1)) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def records(path, columns=None):
    options = {"split_strategy": "", "required": ("tokens", "tags"), "optional": ()}
    return list(open_dataset(path, columns, **options).records("train"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path, layout, capsys):
    _, _, tokens, tags = LAYOUTS[layout]
    path = write(tmp_path / "train.conll", layout)
    rows = records(path)
    assert [record["tokens"] for record in rows] == TOKENS * 4
    columns = {"conll2000": 2, "conllu": 1}.get(layout, 3)
    expected = [[word[columns] for word in sentence] for sentence in SENTENCES]
    renamed = {"conll2012": {"B-PER": "B-PERSON", "I-PER": "I-PERSON", "B-LOC": "B-GPE"}}.get(layout, {})
    replaced = "_" if layout == "bars" else "-"
    assert rows[0]["tags"] == [renamed.get(tag, tag).replace("-", replaced) for tag in expected[0]]
    assert [record["tags"] for record in rows][:3] == [
        [renamed.get(tag, tag).replace("-", replaced) for tag in sentence] for sentence in expected
    ]
    message = f"Read {path} by --columns tokens={tokens},tags={tags}." in capsys.readouterr().err
    assert message == ((tokens, tags) != (1, 2))


def test_columns_of_the_user(tmp_path, capsys):
    path = write(tmp_path / "train.conll", "conll2003")
    assert records(path, {"tokens": "1", "tags": "2"})[1]["tags"] == ["IN", "NNP", "PRP", "VBZ"]
    assert "--columns" not in capsys.readouterr().err
    assert records(path, {"tags": 3})[2] == {"tokens": ["Yes", "!"], "tags": ["B-INTJ", "O"]}
    with pytest.raises(ValueError, match=r"Expected a column '5' at .*train.conll:3"):
        records(path, {"tags": "5"})


def test_a_split_without_names_has_the_columns_of_the_others(tmp_path):
    lines = "".join(f"{word} {pos} {chunk} O\n" for word, pos, chunk, _ in SENTENCES[0])
    (tmp_path / "test.conll").write_text(lines + "\n" + lines)
    source = Conll().source(tmp_path / "test.conll", "strict")
    assert source.columns == {"tokens": "1", "tags": "4"}


def test_columns_that_cannot_be_told_apart_are_shown(tmp_path):
    words = [f"word{number}" for number in range(60)]
    (tmp_path / "train.conll").write_text("".join(f"{w} {w[::-1]} {w}x\n\n" for w in words))
    with pytest.raises(
        ValueError, match=r"Expected a column 'tags' at .*Cannot tell the columns.*1 'word0' \(tokens\), 2"
    ):
        records(tmp_path / "train.conll")
    (tmp_path / "train.conll").write_text("1 a\n2 b\n\n1 c\n2 d\n")
    with pytest.raises(ValueError, match=r"Expected a column 'tags'.*1 '1' \(line numbers\), 2 'a' \(tokens\)"):
        records(tmp_path / "train.conll")


@pytest.mark.parametrize(
    ("text", "tokens", "tags"),
    [
        ("10\u00a0000 B-MONEY\nkr I-MONEY\n", ["10\u00a0000", "kr"], ["B-MONEY", "I-MONEY"]),
        ("東京\u3000都 B-LOC\nです O\n", ["東京\u3000都", "です"], ["B-LOC", "O"]),
        ("a\u0085b B-X\nc\x1cd  O\n", ["a\u0085b", "c\x1cd"], ["B-X", "O"]),
        ("a\tB-X\n\u00a0\tO\nb\tO\n", ["a", "\u00a0", "b"], ["B-X", "O", "O"]),
        ("New York\tB-LOC\n  is \tO \n", ["New York", "is"], ["B-LOC", "O"]),
        ("a O\n# O\n#tag B-X\n", ["a", "#", "#tag"], ["O", "O", "B-X"]),
        ("# O\na B-X\n", ["#", "a"], ["O", "B-X"]),
        ("a DT\n# SYM\nb SYM\n", ["a", "#", "b"], ["DT", "SYM", "SYM"]),
        ("# # \na DT\nb NN\n", ["#", "a", "b"], ["#", "DT", "NN"]),
        ("# newdoc\na DT\nb NN\n", ["a", "b"], ["DT", "NN"]),
        ("# a comment of words\na DT\nb NN\n", ["a", "b"], ["DT", "NN"]),
    ],
)
def test_only_spaces_and_tabs_separate_and_a_hash_may_be_a_token(tmp_path, text, tokens, tags):
    (tmp_path / "train.conll").write_bytes(text.encode())
    assert records(tmp_path / "train.conll") == [{"tokens": tokens, "tags": tags}]


def test_comments_are_named_once(tmp_path, capsys):
    path = write(tmp_path / "train.conll", "multiconer")
    records(path)
    assert capsys.readouterr().err.count(f"Left out of {path}: comments, such as '# id 1b2c\\tdomain=train'") == 1


@pytest.mark.parametrize("line", ["c", "c O O", "New York B-LOC"])
def test_lines_of_another_width_are_refused_or_skipped(tmp_path, line):
    path = tmp_path / "train.conll"
    path.write_text(f"a O\nb B-X\n\na O\n{line}\n\nd B-Y\n")
    with pytest.raises(ValueError, match=r"train.conll:5.* Received: \['"):
        records(path)
    dataset = open_dataset(path, split_strategy="", required=("tokens", "tags"), skip_invalid=True)
    assert [record["tokens"] for record in dataset.records("train")] == [["a", "b"], ["d"]]


def test_tokens_of_a_file_to_tag_are_those_of_the_file(tmp_path):
    path = write(tmp_path / "train.conll", "numbered")
    (record, *_) = open_dataset(path, split_strategy="", required=("text",)).records("train")
    assert record == {"text": "Ada Byron sleeps .", "tokens": TOKENS[0]}


def test_conll_of_another_ending_is_named(tmp_path):
    path = write(tmp_path / "train.tsv", "germeval")
    with pytest.raises(ValueError, match=r"train.tsv:2.*Is it a CoNLL file\? Its name then ends in .conll"):
        records(path)
    path = write(tmp_path / "train.txt", "conll2003")
    with pytest.raises(ValueError, match=r"Expected a column 'tokens'.* its name ends in .conll"):
        records(path)


words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=" "), min_size=1, max_size=8)
tags = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.lists(st.tuples(words.map("w".__add__), tags), min_size=2, max_size=6), min_size=2, max_size=5),
    st.sampled_from(["{w} {t}", "{w}\t{t}", "{n}\t{w}\t{t}", "{w} _ {t}", "doc {n} {w} {t}", "{t} {w}"]),
    st.booleans(),
)
def test_round_trip_of_any_tokens(tmp_path, sentences, line, is_commented):
    sentences[0][:2] = [("wa", "B-PER"), ("wb", "O")]
    before = "# text of a sentence\n" if is_commented else ""
    text = "".join(
        before + "".join(line.format(n=n, w=w, t=t) + "\n" for n, (w, t) in enumerate(sentence, 1)) + "\n"
        for sentence in sentences
    )
    (tmp_path / "train.conll").write_text(text, encoding="utf-8", newline="")
    rows = records(tmp_path / "train.conll")
    assert [list(zip(row["tokens"], row["tags"], strict=True)) for row in rows] == sentences


def test_ten_thousand_lines_of_noise_end_in_rows_or_in_one_line(tmp_path):
    generator, messages = random.Random(0), []
    cells = [
        "#",
        "# a",
        "1",
        "2",
        "O",
        "B-X",
        "(A*",
        "*)",
        "a",
        "\u00a0",
        "",
        "\t",
        "-DOCSTART-",
        "9" * 5000,
        "1-2",
        "_",
    ]
    path = tmp_path / "train.conll"
    for _ in range(500):
        lines = [generator.choice(" \t").join(generator.choices(cells, k=generator.randrange(5))) for _ in range(20)]
        path.write_text("\n".join(lines))
        try:
            records(path)
        except ValueError as error:
            messages.append(str(error))
    assert messages
    assert all("\n" not in message and len(message) < 2000 for message in messages)
