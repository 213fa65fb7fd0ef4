"""A night: what dbt needs to connect, its run, the summary; the backtest."""
