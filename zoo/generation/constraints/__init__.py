"""Constrained decoding: automata and JSON schemas as tables of allowed tokens."""
