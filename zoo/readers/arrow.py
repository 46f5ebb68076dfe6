"""Arrow IPC files and streams, and Feather (https://arrow.apache.org/docs/format/Columnar.html), read in batches."""

from zoo.readers._arrow_files import ArrowReader, import_arrow

FILE, FEATHER_1 = b"ARROW1", b"FEA1"  # how a file begins; a stream has no mark


class Arrow(ArrowReader):
    """Read .arrow and .feather in batches of rows; records are numbered from 1. Class numbers become class names."""

    extensions = (".arrow", ".feather")

    def tables(self, file):
        start = file.read(len(FILE))
        file.seek(0)
        if start.startswith(FEATHER_1):
            table = import_arrow("feather").read_table(file)
            return table.schema, iter(table.to_batches())
        ipc = import_arrow("ipc")
        if start == FILE:
            reader = ipc.open_file(file)
            return reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
        reader = ipc.open_stream(file)
        return reader.schema, iter(reader)
