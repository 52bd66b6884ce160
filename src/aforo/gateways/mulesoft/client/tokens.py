"""Bearer tokens: one that the operator gave, or one that a connected app gets and renews ahead of its end."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from aforo.gateway_sdk.errors import GatewayNotAnApi
from aforo.kit.clock import Clock

_LIFE_UNLESS_TOLD_SECONDS: Final = 1800.0
_RENEW_AHEAD_SECONDS: Final = 120.0
_RENEW_AHEAD_SHARE: Final = 0.2

AskForToken = Callable[[], Awaitable[Mapping[str, Any]]]
"""One call of the token endpoint: `access_token`, and `expires_in` in seconds."""


class Tokens(Protocol):
    """A bearer token that is valid for some time yet. `renewable`: another can be had in place of a refused one."""

    renewable: bool

    async def current(self) -> str: ...

    def forget(self, token: str | None = None) -> None:
        """Anypoint refuses this one; without one, whichever is kept."""
        ...


class GivenToken:
    """The token from the form, until it ends."""

    renewable = False

    def __init__(self, token: str) -> None:
        self._token = token

    async def current(self) -> str:
        return self._token

    def forget(self, token: str | None = None) -> None:
        del token


class ConnectedApp:
    """Tokens of the client-credentials grant.

    One request for a token is in flight at a time; whoever comes meanwhile waits for it. The end is reckoned by our
    own monotonic clock from the moment of asking, so that a difference between two clocks does no harm.
    """

    renewable = True

    def __init__(self, ask: AskForToken, clock: Clock, kept: "Kept | None" = None) -> None:
        self._ask = ask
        self._clock = clock
        self._kept = kept or Kept()

    async def current(self) -> str:
        async with self._kept.one_at_a_time:
            if not self._kept.token or self._clock.monotonic() >= self._kept.renew_at:
                await self._renew()
            return self._kept.token

    def forget(self, token: str | None = None) -> None:
        """Only the one that was refused: a neighbour may have got a new one since."""
        if token in (None, self._kept.token):
            self._kept.token = ""

    async def _renew(self) -> None:
        asked_at = self._clock.monotonic()
        told = await self._ask()
        token = told.get("access_token")
        if not isinstance(token, str) or not token:
            raise GatewayNotAnApi(
                "The token endpoint answers with JSON, but without an access token.",
                next_step="Check the Anypoint address.",
            )
        life = _seconds(told.get("expires_in"))
        self._kept.token = token
        self._kept.renew_at = asked_at + life - min(_RENEW_AHEAD_SECONDS, life * _RENEW_AHEAD_SHARE)


@dataclass(slots=True)
class Kept:
    """A token between two connectors with the same credential, in memory alone."""

    token: str = field(default="", repr=False)
    renew_at: float = 0.0
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


_KEPT: Final[WeakKeyDictionary[Clock, dict[str, Kept]]] = WeakKeyDictionary()


def kept_for(clock: Clock, base: str, client_id: str, secret: str) -> Kept:
    """What this installation, which is who shares a clock, keeps for one credential; the secret itself is not kept.

    A connector lives for one piece of work. Without this each would ask for a token of its own, and Anypoint counts.
    """
    credential = hashlib.sha256("\0".join((base, client_id, secret)).encode()).hexdigest()
    return _KEPT.setdefault(clock, {}).setdefault(credential, Kept())


def _seconds(told: object) -> float:
    try:
        return max(1.0, float(str(told)))
    except ValueError:
        return _LIFE_UNLESS_TOLD_SECONDS
