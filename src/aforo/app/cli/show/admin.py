"""What an administrator has just made."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from aforo.app.cli.show.text import hanging, lines, pairs


def made(view: Mapping[str, Any], title: str) -> RenderableType:
    """Its secret is in `adminKey` or `secret`, and cannot be shown again."""
    facts = [(name, ", ".join(value) if isinstance(value, list) else str(value)) for name, value in view.items()]
    return lines([hanging("✓ ", f"{title} made. The key is shown only now; Aforo keeps its hash."), pairs(facts)])
