"""`aforo`: the product from the terminal. Talks HTTP to the api; only `aforo admin` works on the data folder itself."""

from aforo.app.cli.program import main

__all__ = ["main"]
