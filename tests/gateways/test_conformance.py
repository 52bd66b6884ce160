"""Every behaviour of `gateway_sdk.conformance` at every gateway: its emulator, and a real one where one is named.

A real gateway is named by `AFORO_LIVE_<GATEWAY>_SIGN_IN` and one `AFORO_LIVE_<GATEWAY>_<FIELD>` for each field of that
sign-in, such as AFORO_LIVE_KONG_SIGN_IN=none and AFORO_LIVE_KONG_ADMIN_URL=http://127.0.0.1:8001.
"""

import os
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Final

import httpx2
import pytest

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.conformance import BEHAVIOURS, Bench
from aforo.gateway_sdk.conformance.bench import Behaviour
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.manifest import Capability
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.registry import Entry, gateways
from aforo.gateway_sdk.transport import OpenGate, TlsSetup, Transport, new_http
from aforo.kit.clock import SystemClock
from tests.live import Emulated, emulated

pytestmark = pytest.mark.conformance

Settings = tuple[str, dict[str, str]]
Call = Callable[[ScopedProduct, str], Awaitable[None]]
_CALLED: Final = {
    "apigee": ("{ref}/orders", "x-apikey"),
    "aws": ("{native_id}/addresses", "x-api-key"),
    "azure": ("{native_id}", "Ocp-Apim-Subscription-Key"),
}
"""What is called of the first product of an emulator that counts calls, and where the key stands."""


def _real(entry: Entry) -> Settings | None:
    prefix = f"AFORO_LIVE_{entry.manifest.key.upper()}_"
    sign_in = os.environ.get(f"{prefix}SIGN_IN")
    way = entry.manifest.sign_in(sign_in) if sign_in else None
    if way is None:
        return None
    given = {field.name: os.environ.get(prefix + field.name.upper(), field.default) for field in way.fields}
    return way.key, {name: value for name, value in given.items() if value}


def _places() -> list[tuple[str, Settings | None]]:
    """Each gateway's emulator (None), and beside it the real one that the environment names."""
    found: list[tuple[str, Settings | None]] = []
    for key, entry in gateways().items():
        found.append((key, None))
        if (real := _real(entry)) is not None:
            found.append((key, real))
    return found


PLACES = {f"{key}-{'live' if real else 'emulated'}": (key, real) for key, real in _places()}


CASES = [
    pytest.param(place, behaviour, id=f"{place}-{behaviour}")
    for place, (key, real) in PLACES.items()
    for behaviour in BEHAVIOURS
    if behaviour.is_promised(gateways()[key].manifest) and (real is None or not behaviour.calls)
]


@pytest.fixture(scope="module")
def benches() -> Iterator[dict[str, Bench]]:
    """One gateway for all behaviours: what one leaves behind, the next one stumbles over."""
    with ExitStack() as running:
        made = {}
        for place, (key, real) in PLACES.items():
            if real is None:
                emulator = running.enter_context(emulated(key, products=4))
                made[place] = _bench(gateways()[key], (emulator.sign_in, emulator.settings), _calling(emulator))
            else:
                made[place] = _bench(gateways()[key], real)
        yield made


def _calling(gateway: Emulated) -> Call:
    """A consumer's call of the emulated request path."""
    path, header = _CALLED.get(gateway.gateway, ("", ""))

    async def call(product: ScopedProduct, secret: str) -> None:
        address = f"{gateway.url}/proxy/{path.format(ref=product.ref, native_id=product.native_id)}"
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.get(address, headers={header: secret})
        assert answer.status_code == 200, answer.text

    return call


def _bench(entry: Entry, settings: Settings, call: Call | None = None) -> Bench:
    sign_in, values = settings
    budget = Budget(entry.manifest.call_limits, SystemClock())
    facts: dict[str, str] = {"external_id": str(uuid.uuid4()), "fresh_role": "false"}

    async def forget(_field: str, _value: str) -> None:
        """What a connector wants remembered has no place here."""

    def connection(spoilt: dict[str, str]) -> Connection:
        told = {**values, **spoilt}
        setup = TlsSetup(told.get("ca_bundle"), told.get("client_cert"), told.get("client_key"), told.get("proxy"))
        transport = Transport(
            new_http(allow_private=True, setup=setup),
            gateway_name=entry.manifest.name,
            budget=budget,
            gate=OpenGate(),
        )
        return Connection("int_conformance", sign_in, told, transport, SystemClock(), forget, facts)

    return Bench(entry, connection, uuid.uuid4().hex[:6], call)


@pytest.mark.parametrize(("place", "behaviour"), CASES)
async def test_a_promised_behaviour_is_shown(place: str, behaviour: Behaviour, benches: dict[str, Bench]) -> None:
    await behaviour.shown(benches[place])


@pytest.mark.parametrize("key", sorted(gateways()))
def test_every_capability_is_spoken_of(key: str) -> None:
    assert set(gateways()[key].manifest.capabilities) == set(Capability)


def test_every_capability_up_to_the_artifact_has_a_behaviour() -> None:
    shown = {behaviour.capability for behaviour in BEHAVIOURS}
    assert shown - {None} == set(Capability) - {Capability.ARTIFACT, Capability.ENFORCE}


@pytest.mark.parametrize("key", sorted(gateways()))
def test_usage_figures_are_promised_exactly_where_there_is_a_part_that_reads_them(key: str) -> None:
    entry = gateways()[key]
    assert entry.has("usage") == (entry.manifest.usage is not None)
