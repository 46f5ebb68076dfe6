"""Plain text: one record per line that is not blank; `ending` holds its line break and those of blank lines next."""

from zoo.readers import Reader
from zoo.readers._lines import read_lines, without_ending


class Txt(Reader):
    """Read .txt into the fields `text` and `ending`; blank lines before the first record are left out."""

    extensions = (".txt",)

    def rows(self, path, errors):
        location, row = None, None
        for number, line in read_lines(path, errors):
            text = without_ending(line)
            if text.strip():
                if row:
                    yield location, row
                location, row = f"{path}:{number}", {"text": text, "ending": ""}
            if row:
                row["ending"] += "\n" if line != text else ""
        if row:
            yield location, row

    def count(self, path, errors):
        return sum(1 for _, line in read_lines(path, errors) if line.strip())
