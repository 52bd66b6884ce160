"""Key pairs, minted or brought along, and the products that they open."""

import re
import secrets
from collections.abc import Callable

from .answers import Row, absent, invalid, taken
from .store import Store

_WORD = re.compile(r"[A-Za-z0-9_-]{1,2048}")
_STATES = {"approve": "approved", "revoke": "revoked"}


def state_of(action: str) -> str:
    if action not in _STATES:
        raise invalid("The action is approve or revoke.")
    return _STATES[action]


class Credentials:
    """Makes credentials; a product that asks for approval makes its reference pending."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def minted(self, wanted: Row, mint: Callable[[], tuple[str, str]] | None = None) -> Row:
        """A key pair of Apigee's own making."""
        key, secret = mint() if mint else (secrets.token_urlsafe(36), secrets.token_urlsafe(48))
        lasts_ms = int(wanted.get("keyExpiresIn", -1))
        return self._credential(key, secret, wanted, lasts_ms)

    def custom(self, wanted: Row) -> Row:
        """A key pair that somebody brought along; it opens nothing yet, and is approved."""
        key, secret = wanted.get("consumerKey", ""), wanted.get("consumerSecret", "")
        if not _WORD.fullmatch(key) or not _WORD.fullmatch(secret):
            raise invalid("A consumer key and secret hold letters, digits, _ and - only.")
        if wanted.get("apiProducts"):
            raise invalid("API products cannot be set while a key is created.")
        if any(one["consumerKey"] == key for row in self._store.rows("apps") for one in row["credentials"]):
            raise taken("Consumer key", key)
        lasts_seconds = int(wanted.get("expiresInSeconds", -1))
        return self._credential(key, secret, wanted, lasts_seconds * 1000 if lasts_seconds > 0 else -1)

    def references(self, names: list[str]) -> list[Row]:
        return [{"apiproduct": name, "status": self._first_state(name)} for name in names]

    def _credential(self, key: str, secret: str, wanted: Row, lasts_ms: int) -> Row:
        now = int(self._store.now_ms())
        row = {
            "consumerKey": key,
            "consumerSecret": secret,
            "status": "approved",
            "issuedAt": str(now),
            "expiresAt": str(now + lasts_ms) if lasts_ms > 0 else "-1",
        }
        extra = {name: wanted[name] for name in ("scopes",) if wanted.get(name)}
        products = self.references(wanted.get("apiProducts", []))
        return {**row, **extra, **({"apiProducts": products} if products else {})}

    def _first_state(self, name: str) -> str:
        product = self._store.get("products", name)
        if product is None:
            raise absent("ApiProduct", name)
        return "pending" if product.get("approvalType") == "manual" else "approved"
