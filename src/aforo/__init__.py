"""Aforo: the monetization control plane for APIs that already run behind an API gateway."""

__version__ = "0.1.0"
