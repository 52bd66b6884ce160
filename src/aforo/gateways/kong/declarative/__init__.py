"""kong.yml, Kong's and decK's declarative format: read, change in place, write."""

from aforo.gateways.kong.declarative.document import FORMAT, KongDocument, emit, parse
from aforo.gateways.kong.declarative.editing import carry_out
from aforo.gateways.kong.declarative.exporting import export

__all__ = ["FORMAT", "KongDocument", "carry_out", "emit", "export", "parse"]
