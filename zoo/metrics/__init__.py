"""Exact metrics, a file for each kind of answer; each equals the reference implementation that its docstring names."""
