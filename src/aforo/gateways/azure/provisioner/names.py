"""What a seat is called at Azure, and whose key each of a subscription's two slots holds. Pure.

Azure lets us choose names, so they say what is ours. Whose keys they are stands in the subscription's display name, and
thus changes in one write with the keys.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.provision import Owner

KEY_TYPE: Final = "subscription"
PRIMARY: Final = "primary"
SECONDARY: Final = "secondary"
SLOTS: Final = (PRIMARY, SECONDARY)
EMAIL_DOMAIN: Final = "subscribers.aforo.invalid"
"""Of addresses that reach nobody: the top-level domain is reserved for that."""

_OURS: Final = re.compile(r"aforo-(sub_[\w-]+)")
_MARK: Final = "Aforo"
_SLOT: Final = re.compile(r"\b(primary|secondary)=(\S+)")


class Names:
    """Of one subscription: its Azure subscription and its user bear the same name."""

    def __init__(self, subscription_id: str) -> None:
        self.subscription_id = subscription_id
        self.sid = f"aforo-{subscription_id}"
        self.user = self.sid

    def user_fields(self, owner: Owner) -> dict[str, str]:
        """A user of its own for each subscription: Azure refuses an e-mail that another user has, and the customer's
        may be there already; nor is anybody to manage these keys in the developer portal.
        """
        return {
            "email": f"{self.user}@{EMAIL_DOMAIN}",
            "firstName": owner.name[:100] or owner.id,
            "lastName": "(Aforo)",
            "note": f"Made by Aforo for customer {owner.id}, {owner.email or 'without e-mail'}.",
        }


def subscription_of(name: str) -> str | None:
    """The subscription that a name in Azure is for; None for what is not ours."""
    found = _OURS.fullmatch(name)
    return found[1] if found else None


def native_id(sid: str, slot: str) -> str:
    """The Azure subscription's id for its primary key; for the other one the slot is added."""
    return sid if slot == PRIMARY else f"{sid}/{slot}"


def slot_of(native: str | None, sid: str) -> str | None:
    """The slot of this Azure subscription that a native id means."""
    return next((slot for slot in SLOTS if native and native.lower() == native_id(sid, slot).lower()), None)


def display_name(holders: Mapping[str, str]) -> str:
    """`holders` are credential ids by slot."""
    return " ".join((_MARK, *(f"{slot}={holders[slot]}" for slot in SLOTS if slot in holders)))


def holders_of(row: Any) -> dict[str, str] | None:
    """The credential ids by slot, as the display name tells them; None where somebody has given it another."""
    told = str((row.get("properties") or {}).get("displayName") or "")
    return dict(_SLOT.findall(told)) if told.split()[:1] == [_MARK] else None


def last(path: Any) -> str:
    """The name at the end of a resource's path, whether short or full."""
    return str(path or "").rstrip("/").rpartition("/")[2]
