"""The ``perdure`` command. It puts everything together; nobody imports it."""

from perdure.cli.main import main

__all__ = ["main"]
