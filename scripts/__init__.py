"""The commands people run: ``auto-train COMMAND``, one module each, thin over the library in ``auto_train``."""
