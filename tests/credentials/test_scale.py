"""Many subscriptions at a gateway that keeps its vendor's call limits: none is throttled, and none waits for nothing.

Limiter and emulator go by one virtual clock, so every span is what the limits alone cost; 200 subscriptions here, and
5,000 with 5,000 products in the long form.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx2
import pytest

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.emulator import AsgiApp, Receive, Scope, Send, StateFile, answer_json
from aforo.gateway_sdk.errors import GatewayThrottled
from aforo.gateway_sdk.manifest import CallLimit, Capability, Manifest
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Owner, Provisioner, Seat, Seated, Standing, WantedKey
from aforo.gateway_sdk.registry import gateways
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.kit.clock import Clock
from tests.credentials.virtual_time import TodaysDate, VirtualClock, run

SWITCHED_ON: Final[dict[str, Callable[[Clock], dict[str, Any]]]] = {
    "apigee": lambda clock: {"calls_per_minute": 6_000, "now": lambda: clock.now().timestamp()},
    "aws": lambda clock: {"clock": TodaysDate(clock), "throttle": True},
    "azure": lambda clock: {"clock": clock, "throttle": True, "page_size": 100},
    "kong": lambda clock: {"now": lambda: clock.now().timestamp()},
    "mulesoft": lambda clock: {"clock": clock, "calls_per_minute": 1_600},
}
"""How each emulator is told to keep its vendor's limits. Kong states none: there, `Strict` keeps the manifest's.
MuleSoft discloses none: its emulator's fixed minute holds what the manifest allows in any minute, rate and burst.
"""

PROVISIONED: Final = [
    key for key, entry in gateways().items() if entry.manifest.capabilities[Capability.PROVISION].level != "not_yet"
]
AT_ONCE: Final = 4  # as many seats as the driver works on in one lane
OWN_SECONDS: Final = 2.0
SIZES: Final = [200, pytest.param(5_000, marks=pytest.mark.long)]
CROWDS: Final = [
    pytest.param(key, size, marks=[pytest.mark.long] if size > 200 or key == "aws" else [])
    for key in PROVISIONED
    for size in (200, 5_000)
]
"""AWS's 200 take most of a minute of moto's own time, so they go with the long ones."""


@dataclass
class Place:
    """One gateway with its limits switched on, and everything that was asked of it."""

    manifest: Manifest
    clock: VirtualClock
    line: "Line"
    budget: "Counted"
    sign_in: str
    settings: dict[str, str]
    keys: dict[str, str] = field(default_factory=dict)

    def connection(self, *, urgent: bool = False) -> Connection:
        http = httpx2.AsyncClient(transport=self.line)
        transport = Transport(http, gateway_name=self.manifest.name, budget=self.budget, gate=OpenGate(), urgent=urgent)
        return Connection("int_scale", self.sign_in, self.settings, transport, self.clock, _forget)

    @asynccontextmanager
    async def provisioner(self, *, urgent: bool = False) -> Any:
        opened = gateways()[self.manifest.key].provisioner(self.connection(urgent=urgent))
        try:
            yield opened
        finally:
            await opened.aclose()

    async def scope(self) -> list[ScopedProduct]:
        gateway = gateways()[self.manifest.key].connect(self.connection())
        found = await gateway.discover(lambda _done, _of, _what: None)
        await gateway.aclose()
        assert not found.partial
        return [
            ScopedProduct(f"prod_{number}", one.ref, one.native_id, one.name)
            for number, one in enumerate(found.products)
            if not one.native_id.startswith(self.manifest.keyless)
        ]


class Line(httpx2.AsyncBaseTransport):
    """The way to an emulator in this process; counts the refusals for too many calls."""

    def __init__(self, app: AsgiApp) -> None:
        self._inner = httpx2.ASGITransport(app=app)
        self.throttled = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        self.throttled += response.status_code in (429, 503)  # Exchange at MuleSoft says 503
        return response


class Counted(Budget):
    """The limiter itself, which remembers what it let through."""

    def __init__(self, limits: Sequence[CallLimit], clock: Clock) -> None:
        super().__init__(limits, clock)
        self.limits = limits
        self.taken: list[str] = []

    async def take(self, operation: str, *, urgent: bool = False) -> None:
        await super().take(operation, urgent=urgent)
        self.taken.append(operation)

    def least_seconds(self, since: int) -> float:
        """How long the calls since the one of that number take at least, if the limits' bursts are used up before."""
        return max((self._least(limit, self.taken[since:]) for limit in self.limits), default=0.0)

    def _least(self, limit: CallLimit, taken: Sequence[str]) -> float:
        counted = sum(operation.startswith(limit.operation) for operation in taken)
        return counted * limit.per_seconds / limit.calls


class Strict:
    """Refuses the call above a limit, to the hair: for an emulator whose vendor states no limits of its own."""

    def __init__(self, app: AsgiApp, limit: CallLimit, clock: Clock) -> None:
        self._app = app
        self._limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._at = clock.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        now, rate = self._clock.monotonic(), self._limit.calls / self._limit.per_seconds
        self._tokens = min(self._limit.burst, self._tokens + (now - self._at) * rate)
        self._at = now
        if self._tokens < 1:
            await answer_json(send, 429, {"message": "too many calls"}, {"retry-after": "1"})
            return
        self._tokens -= 1
        await self._app(scope, receive, send)


def place(key: str, size: int, clock: VirtualClock) -> Place:
    entry = gateways()[key]
    module, state = entry.emulator(), StateFile()
    module.seed(state, size)
    app = module.create(state, **SWITCHED_ON[key](clock))
    if key == "kong":
        app = Strict(app, entry.manifest.call_limits[0], clock)
    sign_in, settings = module.sample_connection("http://127.0.0.1:9")
    return Place(entry.manifest, clock, Line(app), Counted(entry.manifest.call_limits, clock), sign_in, settings)


def seats(scope: Sequence[ScopedProduct], count: int) -> list[Seat]:
    return [
        Seat(
            subscription_id=f"sub_scale{number:05}",
            owner=Owner(f"cust_scale{number:05}", f"Buyer {number}", f"buyer{number}@scale.example"),
            plan="scale",
            standing=Standing.ACTIVE,
            scope=(scope[number % len(scope)],),
            keys=(WantedKey(f"cred_scale{number:05}", Standing.ACTIVE),),
        )
        for number in range(count)
    ]


def test_every_gateway_that_provisions_is_measured_with_its_limits_on() -> None:
    assert set(PROVISIONED) <= SWITCHED_ON.keys()


@pytest.mark.long
def test_the_emulator_throttles_whoever_does_not_keep_the_limits() -> None:
    async def work(clock: VirtualClock) -> None:
        for key in PROVISIONED:
            there = place(key, 12, clock)
            there.budget = Counted((), clock)
            wished = seats(await there.scope(), 1)[0]
            async with there.provisioner() as provisioner:
                while not there.line.throttled and len(there.budget.taken) < 10_000:
                    await _ignoring_faults(provisioner.observe(wished))
            assert there.line.throttled, f"{key}'s limits are not switched on"

    run(work)


@pytest.mark.parametrize(("key", "size"), CROWDS)
def test_many_subscriptions_are_throttled_nowhere_and_take_little_longer_than_the_limits_ask(
    key: str, size: int
) -> None:
    async def work(clock: VirtualClock) -> None:
        there = place(key, size, clock)
        scope = await there.scope()
        wished = seats(scope, size)
        await _use_up_bursts(there)
        began, calls = clock.monotonic(), len(there.budget.taken)
        async with there.provisioner() as provisioner:
            await _crowd(wished, lambda seat: _seat(provisioner, seat, there))
        took, least = clock.monotonic() - began, there.budget.least_seconds(calls)
        assert there.line.throttled == there.budget.throttled == 0
        assert len(there.keys) == size
        assert 0 < took <= 1.1 * least, f"{took:.1f} s where {least:.1f} s would do"

        began, calls = clock.monotonic(), len(there.budget.taken)
        async with there.provisioner() as provisioner:
            existence = await provisioner.existing(scope, lambda _done, _of, _what: None)
        ours = [one for one in existence.consumers if one.subscription_id]
        assert sorted(one.subscription_id or "" for one in ours) == [seat.subscription_id for seat in wished]
        assert there.line.throttled == 0
        assert clock.monotonic() - began <= max(1.0, 1.1 * there.budget.least_seconds(calls))

    run(work)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", PROVISIONED)
def test_a_revoke_in_the_middle_of_a_scan_takes_effect_within_two_seconds(key: str, size: int) -> None:
    async def work(clock: VirtualClock) -> None:
        there = place(key, 12, clock)
        scope = await there.scope()
        wished = seats(scope, size)
        first, beside = wished[0], wished[len(scope)]
        async with there.provisioner() as slow, there.provisioner(urgent=True) as fast:
            await _seat(slow, beside, there)  # so that what both share is not cleared away with the one that goes
            known = await _seat(slow, first, there)
            await _use_up_bursts(there)
            scan = asyncio.create_task(_crowd(wished, slow.observe))
            while len(there.budget.taken) < 60:
                await clock.sleep(0.05)
            assert not scan.done()
            began = clock.monotonic()
            revoked = replace(known, keys=(replace(known.keys[0], standing=Standing.GONE),))
            seated = await fast.converge(revoked)
            took = clock.monotonic() - began
            assert not scan.done(), "the scan ended before the revoke: nothing was in its way"
            assert _live(seated) == []
            assert took < OWN_SECONDS, f"{took:.2f} s"
            await scan
            assert _live(await fast.observe(revoked)) == []
        assert there.line.throttled == 0

    run(work)


async def _seat(provisioner: Provisioner, seat: Seat, there: Place) -> Seat:
    seated = await provisioner.converge(seat)
    assert seated.standing is Standing.ACTIVE
    (key,) = seated.keys
    there.keys[seat.subscription_id] = key.native_id
    return replace(seat, keys=(WantedKey(key.credential_id, Standing.ACTIVE, native_id=key.native_id),))


def _live(seated: Seated) -> list[str]:
    return [key.native_id for key in seated.keys if key.standing is not Standing.GONE]


async def _crowd(wished: Sequence[Seat], each: Callable[[Seat], Awaitable[object]]) -> None:
    """All of them, a few at once, as the driver does."""
    left: Iterator[Seat] = iter(wished)

    async def one_after_another() -> None:
        for seat in left:
            await each(seat)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


async def _use_up_bursts(there: Place) -> None:
    """Take what may be taken at once, so that afterwards only the steady rates count."""
    for limit in there.manifest.call_limits:
        for _ in range(math.ceil(limit.burst)):
            await Budget.take(there.budget, limit.operation)


async def _ignoring_faults(call: Awaitable[object]) -> None:
    try:
        await call
    except GatewayThrottled:
        return


async def _forget(_field: str, _value: str) -> None:
    """What a connector wants remembered has no place here."""
