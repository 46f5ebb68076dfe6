"""Parquet (https://parquet.apache.org), a file of columns, as pandas, polars, Spark and Hugging Face write it."""

from zoo.readers._arrow_files import ArrowReader, import_arrow, open_binary, refuse_damaged
from zoo.readers._features import BATCH


class Parquet(ArrowReader):
    """Read .parquet in batches of rows; records are numbered from 1. Class numbers become class names."""

    extensions = (".parquet",)

    def tables(self, file):
        parquet = import_arrow("parquet").ParquetFile(file)
        return parquet.schema_arrow, parquet.iter_batches(BATCH)

    def count(self, path, errors):
        with open_binary(path) as file, refuse_damaged(path):
            return import_arrow("parquet").ParquetFile(file).metadata.num_rows
