"""TSV, tab-separated values: a header, then one row per line, with no quoting at all."""

from zoo.readers._lines import read_lines, without_ending
from zoo.readers._tables import TableReader


class Tsv(TableReader):
    """Read .tsv: every tab separates, and quotation marks are just text."""

    extensions = (".tsv",)

    def cells(self, path, errors):
        columns = None
        for number, line in read_lines(path, errors):
            row = without_ending(line).split("\t")
            columns = columns or len(row)
            if row != [""] or columns == 1:  # a blank line is an empty text only in a table of one column
                yield number, row
