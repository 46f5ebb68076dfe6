"""One file per reader; a file's name is its registration."""
