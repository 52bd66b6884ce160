"""Bearer tokens: one that the operator entered, or one that a credential earns and that is renewed ahead of its end.

A connector lives for one piece of work, a token for an hour: what was earned is held, in memory only, for the next
connector with the same credential.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar
from weakref import WeakKeyDictionary

from aforo.gateway_sdk.errors import GatewayAuthFailed
from aforo.kit.clock import Clock

_RENEW_AHEAD_SECONDS: Final = 300.0
_Done = TypeVar("_Done")

Ask = Callable[[], Awaitable[tuple[str, float]]]
"""One call of a token endpoint: the token, and for how many seconds it lasts."""


class ReconnectNeeded(GatewayAuthFailed):
    """The person's consent is gone, or has to be given anew. Only a person can mend that."""

    code = "reconnect_needed"


class Tokens(Protocol):
    """A bearer token that is valid for some minutes yet."""

    async def token(self) -> str: ...

    def forget(self, refused: str | None) -> bool:
        """The vendor says that this one, or with None any, is not valid; whether another can be had."""
        ...


class FixedToken:
    """A token that the operator entered."""

    def __init__(self, text: str) -> None:
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise GatewayAuthFailed(
                "The access token is empty, or holds characters that no HTTP header may carry. No request was sent.",
                next_step="Copy the token again, without line breaks or quotation marks.",
            )
        self._text = text

    async def token(self) -> str:
        return self._text

    def forget(self, refused: str | None) -> bool:
        del refused
        return False


@dataclass(slots=True)
class _Held:
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str | None = field(default=None, repr=False)
    renew_at: float = 0.0


_HELD: Final[WeakKeyDictionary[Clock, dict[bytes, _Held]]] = WeakKeyDictionary()
"""By the clock on which a token's end is reckoned, then by a digest of the credential. Never written down."""


class EarnedToken:
    """A token got by `ask`, renewed five minutes ahead of its end, or half-way through a shorter life.

    One request is in flight at a time; whoever comes meanwhile waits for it. The end is reckoned by our own monotonic
    clock from the moment of asking, so that a difference between two clocks does no harm. `credential` is whatever
    makes two connections the same to the vendor; only its digest is kept.
    """

    def __init__(self, ask: Ask, clock: Clock, credential: str) -> None:
        self._ask = ask
        self._clock = clock
        digest = hashlib.sha256(credential.encode()).digest()
        self._held = _HELD.setdefault(clock, {}).setdefault(digest, _Held())

    async def token(self) -> str:
        held = self._held
        async with held.one_at_a_time:
            if held.token is None or self._clock.monotonic() >= held.renew_at:
                asked_at = self._clock.monotonic()
                held.token, lasts_seconds = await self._ask()
                held.renew_at = asked_at + lasts_seconds - min(_RENEW_AHEAD_SECONDS, lasts_seconds / 2)
            return held.token

    def seconds_to_renewal(self) -> float:
        """When `token` would ask for the next one; 0 while none is held."""
        held = self._held
        return 0.0 if held.token is None else max(0.0, held.renew_at - self._clock.monotonic())

    def forget(self, refused: str | None) -> bool:
        """Only what is still held: others that were refused at once have been answered by one renewal."""
        if refused is None or self._held.token == refused:
            self._held.token = None
        return True


async def bearing(tokens: Tokens, call: Callable[[str], Awaitable[_Done]]) -> _Done:
    """Make a call with a token; one that the vendor no longer takes is replaced once, if another can be had."""
    token = await tokens.token()
    try:
        return await call(token)
    except GatewayAuthFailed:
        if not tokens.forget(token):
            raise
    return await call(await tokens.token())
