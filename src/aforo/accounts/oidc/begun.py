"""A sign-in that was begun: its secrets travel sealed in a cookie of the browser that began it, and are good once."""

import base64
import binascii
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from aforo.accounts.oidc.errors import SignInStale
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.secretbox import SecretBox, SecretLost

LIFE: Final = timedelta(minutes=10)
_LONGEST_PATH: Final = 1_000
_PLACE: Final = {"tenant_id": "installation", "owner_id": "oidc", "field": "begun"}


@dataclass(frozen=True, slots=True)
class Begun:
    """`verifier` is PKCE's (RFC 7636), `next` one of our own paths."""

    next: str
    at: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    @property
    def state_hash(self) -> str:
        return hashlib.sha256(self.state.encode()).hexdigest()


def begin(where: str, now: datetime) -> Begun:
    return Begun(where if len(where) <= _LONGEST_PATH else "/", rfc3339(now))


def seal(begun: Begun, box: SecretBox) -> str:
    """The cookie."""
    return base64.urlsafe_b64encode(box.seal(json.dumps(asdict(begun)).encode(), **_PLACE)).decode()


def unseal(cookie: str, state: str, now: datetime, box: SecretBox) -> Begun:
    """What this browser began, if it is what the provider answers to. Raises SignInStale."""
    try:
        begun = Begun(**json.loads(box.open(base64.urlsafe_b64decode(cookie), **_PLACE)))
    except (SecretLost, ValueError, TypeError, binascii.Error) as fault:
        raise stale("was not begun in this browser") from fault
    if not compare_digest(begun.state.encode(), state.encode()):
        raise stale("was not begun in this browser, or another one was begun after it")
    if now > from_rfc3339(begun.at) + LIFE:
        raise stale(f"took longer than {LIFE.seconds // 60} minutes")
    return begun


def stale(why: str) -> SignInStale:
    return SignInStale(f"This sign-in {why}. Nobody was signed in.", next_step="Begin again on this page.")
