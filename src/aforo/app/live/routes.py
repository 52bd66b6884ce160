"""GET /live: server-sent events for signed-in people. Each message is one word: the kind of part that changed."""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from aforo.accounts import SESSION_COOKIE, Scope, Session, VisitorFor
from aforo.app.live.pulse import Pulse
from aforo.kit.errors import AforoError, Overloaded

ADDRESS: Final = "/live"
LIVE_PAGES: Final = frozenset({"/", "/margin"})
"""Pages that have parts to renew; others say nothing of being live."""
PER_SESSION: Final = 4
"""A browser shares one among its tabs; HTTP/1.1 leaves it six connections."""
IN_ALL: Final = 500
_BEAT_SECONDS: Final = 15.0
_CHECK_SECONDS: Final = 2.0


class TooManyStreams(AforoError):
    """This session holds as many streams as it may."""

    code = "too_many_streams"


class _Seats:
    """How many streams are open, by session."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, session: str) -> None:
        """Raises TooManyStreams, Overloaded."""
        if self._taken[session] >= PER_SESSION:
            raise TooManyStreams(
                f"This session has {PER_SESSION} live streams open.", next_step="Close a tab, or reload later."
            )
        if self._taken.total() >= IN_ALL:
            raise Overloaded(
                "Too many live streams are open.", next_step="Reload the page instead.", retry_after_seconds=30
            )
        self._taken[session] += 1

    def free(self, session: str) -> None:
        self._taken[session] -= 1
        if not self._taken[session]:
            del self._taken[session]


class _Stream(StreamingResponse):
    """Frees its seat and its generator however the answer ends, also before the first byte."""

    def __init__(self, messages: AsyncGenerator[bytes, None], free: Callable[[], None]) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(messages, headers=headers, media_type="text/event-stream")
        self._messages = messages
        self._free = free

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._free()
            await self._messages.aclose()


def router(
    pulse: Pulse,
    visitor: VisitorFor,
    session_of: Callable[[Request], Awaitable[Session | None]],
    *,
    beat_seconds: float = _BEAT_SECONDS,
    check_seconds: float = _CHECK_SECONDS,
) -> APIRouter:
    """The stream ends when the session does, at most `check_seconds` later."""
    pages, seats = APIRouter(include_in_schema=False), _Seats()

    @pages.get(ADDRESS)
    async def live(
        request: Request,
        session: Annotated[Session, Depends(visitor(Scope.CONTROL_READ))],
        last_event_id: Annotated[str, Query(max_length=500)] = "",
        last: Annotated[str, Header(alias="last-event-id", max_length=500)] = "",
    ) -> StreamingResponse:
        seat = sha256(request.cookies[SESSION_COOKIE].encode()).hexdigest()
        seats.take(seat)

        async def still() -> bool:
            now = await session_of(request)
            mine = now is not None and now.caller.tenant_id == session.caller.tenant_id
            return mine and now is not None and now.caller.may(Scope.CONTROL_READ)

        waits = (beat_seconds, check_seconds)
        messages = _messages(pulse, session.caller.tenant_id, last or last_event_id, still, waits)
        return _Stream(messages, lambda: seats.free(seat))

    return pages


async def _messages(
    pulse: Pulse, tenant_id: str, place: str, still: Callable[[], Awaitable[bool]], waits: tuple[float, float]
) -> AsyncGenerator[bytes, None]:
    beat, check = waits
    async with pulse.watching(tenant_id) as watch:
        yield b"retry: 3000\n: watching\n\n"
        told, quiet = place or watch.place, 0.0
        while await still():
            kinds, told = watch.since(told), watch.place
            for kind in kinds:
                yield f"id: {told}\ndata: {kind}\n\n".encode()
            quiet = 0.0 if kinds else quiet + check
            if quiet >= beat:
                quiet = 0.0
                yield b": still there\n\n"
            if not watch.since(told):
                await watch.change(check)
