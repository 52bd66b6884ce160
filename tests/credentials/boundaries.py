"""Kills a provisioner between any two of its calls, and looks whether the next attempt sets everything right.

For each number of calls n = 0, 1, 2, … a fresh gateway is brought to `before`, and then `converge(seat)` runs over a
line that dies at call n: once before the call reaches the gateway, and once after it took effect but before the answer
comes back. A second provisioner, which knows nothing of the first, converges again over a healthy line. Then exactly
the promised keys must be live: as many as the seat lists as ACTIVE, those that `Seated` names, and no other. It ends
with the first n that was not reached, so it fits any implementation.

How to use it for a gateway:

    def fresh() -> World:
        app = create(StateFile())                            # a gateway of its own for every attempt
        return World(httpx2.ASGITransport(app=app), connect, live_keys)

    await hold_at_every_boundary(fresh, seat)                # from nothing
    await hold_at_every_boundary(fresh, after, before=seat)  # a change: rotate, suspend, re-scope, remove

`inner` is what reaches the gateway (an `httpx2.ASGITransport`, or an `httpx2.AsyncHTTPTransport` for one on a socket).
`connect` makes the real provisioner over the client that it is given. `live_keys` reads, without the provisioner, the
native ids of all keys that open anything at the gateway; keys that were there at the start are no concern of the seat
and are subtracted.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

import httpx2

from aforo.gateway_sdk.errors import GatewayUnavailable
from aforo.gateway_sdk.provision import Provisioner, Seat, Seated, Standing

_MOST_CALLS: Final = 200


@dataclass(frozen=True, slots=True)
class World:
    """One fresh gateway: the way to it, its provisioner, and who looks at its keys."""

    inner: httpx2.AsyncBaseTransport
    connect: Callable[[httpx2.AsyncClient], Provisioner]
    live_keys: Callable[[], Awaitable[Collection[str]]]


class DyingLine(httpx2.AsyncBaseTransport):
    """Passes `calls` calls on and breaks at the next and all later ones. `lost`: that call still takes effect."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, calls: int, *, lost: bool) -> None:
        self._inner = inner
        self._left = calls
        self._lost = lost
        self.died = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._left > 0:
            self._left -= 1
            return await self._inner.handle_async_request(request)
        if self._lost and not self.died:
            response = await self._inner.handle_async_request(request)
            await response.aread()
        self.died = True
        raise httpx2.ConnectError("the line died here", request=request)


async def hold_at_every_boundary(fresh: Callable[[], World], seat: Seat, *, before: Seat | None = None) -> int:
    """The number of calls of an undisturbed `converge`."""
    for calls in range(_MOST_CALLS):
        reached = [await _dies_at(fresh(), calls, seat, before, lost=lost) for lost in (False, True)]
        if not any(reached):
            assert calls > 0, "converge made no call at all"
            return calls
    raise AssertionError(f"converge made more than {_MOST_CALLS} calls")


async def _dies_at(world: World, calls: int, seat: Seat, before: Seat | None, *, lost: bool) -> bool:
    others = set(await world.live_keys())
    if before:
        seat = _knowing(seat, await _converge(world, before))
    line = DyingLine(world.inner, calls, lost=lost)
    try:
        await _converge(replace(world, inner=line), seat)
    except GatewayUnavailable:
        assert line.died
    seated = await _converge(world, seat)
    told = {key.native_id for key in seated.keys if key.standing is Standing.ACTIVE}
    live = set(await world.live_keys()) - others
    assert live == (told if seat.standing is Standing.ACTIVE else set()), f"died at call {calls}, lost={lost}"
    assert len(live) == promised(seat), f"died at call {calls}, lost={lost}"
    return line.died


def promised(seat: Seat) -> int:
    """How many keys of the seat are to be live."""
    return sum(key.standing is Standing.ACTIVE for key in seat.keys) if seat.standing is Standing.ACTIVE else 0


def _knowing(seat: Seat, seated: Seated) -> Seat:
    """The seat with the native ids that the first attempt told, as Aforo would have stored them."""
    native = {key.credential_id: key.native_id for key in seated.keys}
    keys = [replace(key, native_id=key.native_id or native.get(key.credential_id)) for key in seat.keys]
    return replace(seat, keys=tuple(keys))


async def _converge(world: World, seat: Seat) -> Seated:
    http = httpx2.AsyncClient(transport=_Kept(world.inner))
    provisioner = world.connect(http)
    try:
        return await provisioner.converge(seat)
    finally:
        await provisioner.aclose()


class _Kept(httpx2.AsyncBaseTransport):
    """The same way for several clients: closing one does not close it."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._inner.handle_async_request(request)
