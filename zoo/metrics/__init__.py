"""Exact metrics, a file for each kind of answer; each equals the reference that its docstring names."""
