"""Whole nights: what is decided, kept and said."""
