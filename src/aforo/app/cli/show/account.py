"""Who the caller is."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from aforo.app.cli.profile import Place
from aforo.app.cli.show.text import hanging, pairs

View = Mapping[str, Any]


def signed_in(view: View, url: str) -> RenderableType:
    return hanging("✓ ", f"Signed in to {url} as {view['actorId']} of tenant {view['tenantSlug']}.")


def who(view: View, place: Place) -> RenderableType:
    return pairs(
        [
            ("Aforo", place.url),
            ("Tenant", f"{view['tenantSlug']} ({view['tenantId']})"),
            ("You", view["actorId"]),
            ("Scopes", ", ".join(view["scopes"])),
            ("Key from", place.key_from),
        ]
    )
