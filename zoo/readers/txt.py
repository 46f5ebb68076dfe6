"""Plain text: one record per line that is not blank; `ending` holds its line break and those of blank lines next."""

from zoo.readers import Reader
from zoo.readers._lines import read_lines, without_ending


class Txt(Reader):
    """Reads .txt into the fields `text` and `ending`; blank lines before the first other one are left out."""

    extensions = (".txt",)

    def rows(self, path, errors):
        place, row = None, None
        for number, line in read_lines(path, errors):
            text = without_ending(line)
            if text.strip():
                if row:
                    yield place, row
                place, row = f"{path}:{number}", {"text": text, "ending": ""}
            if row:
                row["ending"] += "\n" if line != text else ""
        if row:
            yield place, row
