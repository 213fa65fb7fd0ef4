"""The commands people run, each thin, and the lake they share."""
