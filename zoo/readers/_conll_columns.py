"""Columns of CoNLL files by their content: the tokens, the tags, and those that are neither, such as line numbers.

Layouts: CoNLL-2000 (https://aclanthology.org/W00-0726), CoNLL-2002 and 2003 (https://aclanthology.org/W03-0419),
CoNLL-X and CoNLL-U (https://universaldependencies.org/format.html), CoNLL-2009, CoNLL-2012
(https://aclanthology.org/W12-4501), GermEval 2014, MultiCoNER, and any other with a token a line.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

BIO = re.compile(r"O|[BIESLUM][-_]\S+")
BRACKETS = re.compile(r"(?:\([^()\s*]+)*\*?\)*")  # (PERSON*, *, *), (GPE)
RANGE = re.compile(r"\d+[-.]\d+")  # numbers of CoNLL-U that are no words: of several words, of an empty node
RANGE_LINE = re.compile(rf" *{RANGE.pattern}[ \t]")
CHUNKS = {"NP", "VP", "PP", "ADJP", "ADVP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NC", "PC", "VC"}  # labels
MOST = 0.9  # of the cells of a column that have its form
FEW = 0.5  # of the different tokens: a column of tags has fewer different values

DIGITS = 10  # of the number of a line: fewer
MANY = 10  # different values, up to which any column may be one of tags
RARE = 0.1  # of the lines: fewer of one width are broken ones
NONE = -2  # no column
NAMES_2012 = 10  # index of the column of names in CoNLL-2012
WIDTH_X, POS_X = 10, 3  # columns of CoNLL-X and CoNLL-U, and their coarse parts of speech
WIDTH_2009, POS_2009 = 14, 4

NUMBER, NAME, INTEGER, TAGS, SPANS, PARSE, TEXT = range(7)
FORMS = ("line numbers", "one value a sentence", "integers", "tags", "tags in brackets", "a parse", "text")

Sentence = Sequence[Sequence[str]]  # the cells of each line


@dataclass(frozen=True)
class ConllColumns:
    """Which column is which, by index from 0; -1 is the last, `NONE` none."""

    forms: tuple[int, ...] = ()  # of each column
    tokens: int = NONE
    tags: int = NONE
    width: int = 0  # of the lines; 0: it varies
    values: frozenset[str] = frozenset()  # of the tags

    def is_comment(self, line: str, cells: Sequence[str]) -> bool:
        """Whether a line that begins with # is a comment rather than the token #, or a hashtag, with its tag."""
        if not line.startswith("#"):
            return False
        if self.tokens != 0 or self.tags == NONE or len(cells) < 2 or (self.width and len(cells) != self.width):
            return True
        tag = cells[min(self.tags, len(cells) - 1)]
        return not (BIO.fullmatch(tag) if self._are_bio else tag in self.values or tag == "#")

    @property
    def _are_bio(self):
        return sum(bool(BIO.fullmatch(tag)) for tag in self.values) >= MOST * len(self.values)

    def is_word(self, line: str) -> bool:
        """Whether a line is a word, rather than the range of several words, or an empty node, of CoNLL-U."""
        return not (self.forms and self.forms[0] == NUMBER and RANGE_LINE.match(line))


def conll_columns(sentences: Sequence[Sentence]) -> ConllColumns:
    """The columns of sentences, the first of a file, without comments."""
    sentences = _regular(sentences)
    widths = {len(line) for sentence in sentences for line in sentence}
    if not widths:
        return ConllColumns()
    forms = tuple(_form(sentences, index) for index in range(min(widths)))
    width = widths.pop() if len(widths) == 1 else 0
    tokens, tags = _tokens_and_tags(forms, _tokens(forms), sentences)
    if not width and tokens == 0 and len(forms) > 1 and _are_tags(_column(sentences, -1)):
        tags = -1
    values = _column(sentences, tags) if tags != NONE else ()
    return ConllColumns(forms, tokens, tags, width, frozenset(values))


def _regular(sentences):
    """The sentences whose lines have one number of cells, without those of few cells; else the most regular lines."""
    sentences = [sentence for sentence in sentences if sentence]
    counts = Counter(len(line) for sentence in sentences for line in sentence)
    least = min((width for width, count in counts.items() if count >= RARE * counts.total()), default=0)
    regular = [s for s in sentences if len({len(line) for line in s}) == 1 and len(s[0]) >= least]
    usual = counts.most_common(1)[0][0] if counts else 0
    return regular or [[line for line in sentence if len(line) == usual] for sentence in sentences]


def _column(sentences, index):
    return [line[index] for sentence in sentences for line in sentence]


def spans_of_brackets(cells: Sequence[str]) -> list[str]:
    """BIO tags of a column in brackets, (PERSON* * *) as B-PERSON I-PERSON I-PERSON."""
    tags, label = [], ""
    for cell in cells:
        if cell.startswith("("):
            label = cell.strip("()*")
            tags.append(f"B-{label}")
        else:
            tags.append(f"I-{label}" if label else "O")
        if cell.endswith(")"):
            label = ""
    return tags


def _form(sentences, index):
    columns = [[line[index] for line in sentence] for sentence in sentences]
    cells = [cell for column in columns for cell in column]
    if _count_lines(columns):
        return NUMBER
    if _are_tags(cells):
        return TAGS
    if all(map(BRACKETS.fullmatch, cells)) and any("*" in cell for cell in cells):
        return PARSE if any(cell.count("(") > 1 for cell in cells) else SPANS
    if len(cells) > 1 and all(len(set(column)) == 1 for column in columns) and any(len(c) > 1 for c in columns):
        return NAME
    return INTEGER if all(cell.isdecimal() for cell in cells) else TEXT


def _count_lines(columns):
    """Whether a column counts the lines of each sentence, from 0 or 1, or those of the file."""
    numbers = [[cell for cell in column if not RANGE.fullmatch(cell)] for column in columns]
    if not all(cell.isdecimal() and len(cell) < DIGITS for column in numbers for cell in column):
        return False
    steps = [int(after) - int(before) for column in numbers for before, after in pairwise(column)]
    if not steps:
        return all(column and column[0] in "01" for column in numbers)
    return sum(step == 1 for step in steps) >= MOST * len(steps)


def _are_tags(cells):
    return sum(bool(BIO.fullmatch(cell)) for cell in cells) >= MOST * len(cells)


def _tokens(forms):
    """The first column of text; of two columns, the first that is neither tags nor line numbers."""
    if len(forms) < 3:
        return next((index for index, form in enumerate(forms) if form in (TEXT, NAME, INTEGER)), NONE)
    return next((forms.index(form) for form in (TEXT, INTEGER) if form in forms), NONE)


def _tokens_and_tags(forms, tokens, sentences):
    if tokens == NONE:
        return NONE, NONE
    named, spans = ([index for index, form in enumerate(forms) if form == sought] for sought in (TAGS, SPANS))
    if named:
        return tokens, _entities(named, sentences)
    if spans:
        return tokens, NAMES_2012 if NAMES_2012 in spans else spans[-1]
    if forms[0] == NUMBER and len(forms) >= WIDTH_X:
        return tokens, POS_2009 if len(forms) >= WIDTH_2009 else POS_X
    return _plain(forms, tokens, sentences)


def _plain(forms, tokens, sentences):
    """(tokens, tags) where no column has tags of spans: tags are the last column of few different values."""
    texts = [index for index, form in enumerate(forms) if form == TEXT and index != tokens]
    sizes = {index: len(set(_column(sentences, index))) for index in (tokens, *texts)}
    if len(forms) == 2 and texts and sizes[texts[0]] > MANY and sizes[tokens] <= FEW * sizes[texts[0]]:
        return texts[0], tokens  # tags first
    few = [index for index in texts if sizes[index] <= max(FEW * sizes[tokens], MANY)]
    if len(forms) == 2 and forms[1 - tokens] != NUMBER:
        return tokens, 1 - tokens
    return tokens, few[-1] if few else NONE


def _entities(columns, sentences):
    """Of columns of tags that of the entities: the last, or the outer one of nested entities, as in GermEval."""
    labels = {i: {line[i][2:] for sentence in sentences for line in sentence if line[i] != "O"} for i in columns}
    named = [index for index in columns if not labels[index] or not labels[index] <= CHUNKS] or columns
    last = named[-1]
    return next((index for index in named if labels[last] <= labels[index]), last)
