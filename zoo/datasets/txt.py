"""Plain text: one record per line. Blank lines, which separate documents, are skipped."""

from zoo.dataset import Reader, read_lines, without_ending


class Txt(Reader):
    """Reads .txt into the field `text`."""

    extensions = (".txt",)

    def rows(self, path, errors):
        for number, line in read_lines(path, errors):
            if line.strip():
                yield f"{path}:{number}", {"text": without_ending(line)}
