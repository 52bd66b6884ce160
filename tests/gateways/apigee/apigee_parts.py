"""What the tests of Apigee share: a connection to the emulator under the description's eyes, and products to try."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from hypothesis import strategies as st

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Gateway, Product
from aforo.gateway_sdk.emulator import AsgiApp, StateFile, Switchboard
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.apigee.connector import connect
from aforo.gateways.apigee.emulator import FIXED_TOKEN, ORGANIZATION, ApigeeEmulator, create, sample_connection, seed
from aforo.gateways.apigee.manifest import MANIFEST
from aforo.kit.clock import HandClock
from tests.gateways.apigee.description import Described

BASE: Final = "http://localhost:8092"
Row = dict[str, Any]


@dataclass
class World:
    """An emulated organization with the description around it, and a connector to it."""

    emulator: ApigeeEmulator
    board: Switchboard
    described: Described
    gateway: Gateway
    clock: HandClock

    def writes(self) -> list[tuple[str, str]]:
        prefix = f"/v1/organizations/{ORGANIZATION}"
        return [
            (method, path.removeprefix(prefix))
            for method, path in self.board.log
            if method != "GET" and path != "/token"
        ]

    async def call(self, method: str, path: str, body: object = None, status: int = 200, **more: Any) -> Row:
        """Somebody else's call, with a token of their own."""
        answer = await self.request(method, path, body, **more)
        assert answer.status_code == status, answer.text
        return dict(answer.json()) if answer.content else {}

    async def request(self, method: str, path: str, body: object = None, **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {FIXED_TOKEN}", **more.pop("headers", {})}
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.described)) as http:
            url = f"{BASE}/v1/organizations/{ORGANIZATION}{path}"
            return await http.request(method, url, json=body, headers=headers, **more)

    async def product(self, name: str) -> Product:
        found = await self.gateway.read(Product(name, name, name, None, ()))
        assert found
        return found

    async def restore(self, recorded: Product, live: Product | None, remove: frozenset[str] = frozenset()) -> list[str]:
        """Plan, apply, and tell which steps were reported."""
        done: list[str] = []
        steps = plan_restore(recorded, live, MANIFEST.kinds, remove=remove).steps
        await self.gateway.apply(recorded, live, steps, lambda step: done.append(step.title))
        return done


def world(products: int = 3, settings: Mapping[str, str] | None = None, **options: Any) -> World:
    clock = HandClock()
    state = StateFile()
    seed(state, products)
    emulator = create(state, now=lambda: clock.now().timestamp(), **options)
    described = Described(emulator)
    board = Switchboard(described)
    sign_in, told = sample_connection(BASE)
    return World(emulator, board, described, gateway(board, {**told, **(settings or {})}, sign_in, clock), clock)


def gateway(app: AsgiApp, settings: Mapping[str, str], sign_in: str, clock: HandClock) -> Gateway:
    """The real connector and transport, onto an app in this process."""
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app))
    secrets = [settings[name] for name in ("service_account_key", "access_token") if name in settings]
    transport = Transport(http, gateway_name="Apigee", budget=Budget((), clock), gate=OpenGate(), secrets=secrets)
    return connect(Connection("int_test", sign_in, settings, transport, clock, _remember))


async def _remember(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")


def quiet(done: int, total: int | None, what: str) -> None:
    """A progress that nobody watches."""
    assert done >= 0
    assert total is None or total >= done
    assert what


def paths(recorded: Product, live: Product) -> list[str]:
    """Where two differ."""
    return [change.path for change in compare(recorded, live, MANIFEST.kinds).changes]


_WORDS: Final = st.text("abcdefgh", min_size=1, max_size=6)
_DIGITS: Final = st.integers(1, 10**6).map(str)
_ATTRIBUTES: Final = st.dictionaries(_WORDS, _WORDS, max_size=3).map(
    lambda told: [{"name": name, "value": value} for name, value in told.items()]
)
_UNIT: Final = st.sampled_from(["minute", "hour", "day", "month"])
_QUOTA: Final = st.fixed_dictionaries({"limit": _DIGITS, "interval": _DIGITS, "timeUnit": _UNIT})


def _some(values: st.SearchStrategy[str], at_least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(values, min_size=at_least, max_size=3, unique=True)


_METHODS: Final = _some(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), 1)


def _configs(about: Mapping[str, st.SearchStrategy[Any]], quota: str = "quota") -> st.SearchStrategy[Row]:
    config = st.fixed_dictionaries({"apiSource": _WORDS, **about}, optional={"attributes": _ATTRIBUTES, quota: _QUOTA})
    unique = st.lists(config, min_size=1, max_size=3, unique_by=lambda one: json.dumps(one, sort_keys=True))
    return st.fixed_dictionaries({"operationConfigs": unique})


_PATHS: Final = _WORDS.map(lambda word: f"/{word}/**")


def _one(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Row]]:
    return st.fixed_dictionaries(members).map(lambda one: [one])


PRODUCTS: Final = st.fixed_dictionaries(
    {"name": st.just("tried"), "displayName": _WORDS},
    optional={
        "description": _WORDS,
        "approvalType": st.sampled_from(["auto", "manual"]),
        "quota": _DIGITS,
        "quotaInterval": _DIGITS,
        "quotaTimeUnit": _UNIT,
        "llmQuota": _DIGITS,
        "llmQuotaInterval": _DIGITS,
        "llmQuotaTimeUnit": _UNIT,
        "quotaCounterScope": st.sampled_from(["PROXY", "OPERATION", "PRODUCT"]),
        "apiResources": _some(_PATHS),
        "environments": _some(_WORDS),
        "proxies": _some(_WORDS),
        "scopes": _some(_WORDS),
        "attributes": _ATTRIBUTES,
        "operationGroup": _configs({"operations": _one({"resource": _PATHS, "methods": _METHODS})}),
        "graphqlOperationGroup": _configs(
            {
                "operations": _one(
                    {"operation": _WORDS, "operationTypes": _some(st.sampled_from(["query", "mutation"]), 1)}
                )
            }
        ),
        "grpcOperationGroup": _configs({"service": _WORDS, "methods": _some(_WORDS)}),
        "llmOperationGroup": _configs(
            {"llmOperations": _one({"resource": _PATHS, "methods": _METHODS, "model": _WORDS})}, "llmTokenQuota"
        ),
        "payloadOperationGroup": _configs({"operations": _one({"operation": _WORDS})}),
    },
)
_FEE: Final = st.fixed_dictionaries({"currencyCode": st.just("EUR")}, optional={"units": _DIGITS, "nanos": st.just(5)})
PLANS: Final = st.fixed_dictionaries(
    {"displayName": _WORDS, "state": st.sampled_from(["DRAFT", "PUBLISHED"])},
    optional={
        "description": _WORDS,
        "billingPeriod": st.just("MONTHLY"),
        "currencyCode": st.sampled_from(["EUR", "USD"]),
        "setupFee": _FEE,
        "fixedRecurringFee": _FEE,
        "fixedFeeFrequency": st.integers(1, 12),
        "consumptionPricingType": st.sampled_from(["BANDED", "TIERED"]),
        "consumptionPricingRates": st.lists(
            st.fixed_dictionaries({"start": _DIGITS, "end": _DIGITS, "fee": _FEE}), min_size=1, max_size=2
        ),
        "startTime": _DIGITS,
        "endTime": _DIGITS,
    },
)
