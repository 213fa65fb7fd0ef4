"""Functions alone: no dbt, no lake."""
