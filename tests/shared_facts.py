"""Finds the vendors' descriptions and recordings that lie beside a checkout; they are not part of the project."""

from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def shared(path: str) -> Path:
    """A file or folder beside the checkout; skips the test, saying so, where it is not there."""
    found = _SHARED / path
    if not found.exists():
        pytest.skip(f"vendor material ../shared/{path} is not beside this checkout")
    return found
