"""Adapters: what was learned upon a backbone that stayed as it was, apart from it; several upon one backbone."""
