"""Training curricula: what one is, the language of its conditions, its tasks, and every curriculum there is.

Nothing here knows dbt or S3: the models see curricula only as the seeds that ``scripts/compile_curricula.py`` writes.
"""
