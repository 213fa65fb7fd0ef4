"""Decisions: the walk through the stages, and the arrays it works on."""
