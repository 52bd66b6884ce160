"""The api passes requests on for clients that know one URL only, and says from which address they came.

Keys may be bound to networks, so this may be said only by who can read the edge's secret: its own user, in a file that
each start of the edge writes anew.
"""

import hmac
import os
import secrets
from pathlib import Path
from typing import Final

HEADER: Final = "x-aforo-forwarded"
_FILE: Final = "edge.forward"


def begin(data_dir: Path) -> str:
    """A new secret, from now on the only one. Raises OSError."""
    secret = secrets.token_hex(32)
    fresh = data_dir / f"{_FILE}.new"
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret)
    fresh.replace(data_dir / _FILE)
    return secret


def said(data_dir: Path, address: str) -> str:
    """What the api puts into the header. Raises OSError while no edge has started."""
    return f"{(data_dir / _FILE).read_text()} {address}"


def address(secret: str, header: str) -> str | None:
    """The address that the api names; None when it was not the api who wrote this."""
    presented, _, named = header.partition(" ")
    return named if hmac.compare_digest(presented.encode(), secret.encode()) else None
