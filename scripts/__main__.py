"""``python -m scripts`` is ``auto-train``."""

from scripts.cli import main

main()
