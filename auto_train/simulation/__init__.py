"""Mice that do not exist, and how fast they are decided."""
