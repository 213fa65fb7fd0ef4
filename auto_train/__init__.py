"""The library of the program: what commands and models share. It knows ``curricula`` and nobody else."""
