"""Consumers, applications and keys at the gateways: provision, rotate, suspend, revoke, scope, adopt, orphans.

What the edge needs is imported at once; the rest comes on first use, since it brings the database library along.
"""

import importlib
from typing import TYPE_CHECKING, Any

from aforo.credentials.rows import CredentialRow, credential_rows, credential_version

if TYPE_CHECKING:
    from aforo.credentials.errors import NotProvisionable
    from aforo.credentials.room import CredentialsRoom, Standby, open_room
    from aforo.credentials.rules.limits import limits
    from aforo.credentials.service.driver import Provisioners
    from aforo.credentials.service.seating import Shelf, SoldProduct

__all__ = [
    "CredentialRow",
    "CredentialsRoom",
    "NotProvisionable",
    "Provisioners",
    "Shelf",
    "SoldProduct",
    "Standby",
    "credential_rows",
    "credential_version",
    "limits",
    "open_room",
]

_LATER = {
    "CredentialsRoom": "room",
    "NotProvisionable": "errors",
    "Provisioners": "service.driver",
    "Shelf": "service.seating",
    "SoldProduct": "service.seating",
    "Standby": "room",
    "limits": "rules.limits",
    "open_room": "room",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
