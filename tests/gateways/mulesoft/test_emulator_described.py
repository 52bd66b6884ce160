"""The emulator's answers and our own requests, held against the descriptions of Anypoint's services.

Two sources: MuleSoft's own, and the Go client's. Where they contradict each other, or themselves, an answer can only
follow one; those places are listed in `REJECTED`, and a listed one that is no longer rejected fails as well.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import httpx2

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Action, Gateway, Product, Step
from aforo.gateway_sdk.provision import Standing
from aforo.gateways.mulesoft.emulator.operations import OPERATIONS
from aforo.gateways.mulesoft.manifest import MANIFEST
from aforo.gateways.mulesoft.pricing import connect
from tests.gateways.mulesoft.mulesoft_parts import BASE, HERE, Anypoint, quiet
from tests.gateways.mulesoft.provision_parts import MINUTE, Shop, seat, wanted
from tests.gateways.mulesoft.recorded import Exchanged, Recorder, Round
from tests.gateways.mulesoft.test_provision_pricing import offer
from tests.gateways.mulesoft.vendor import Described, complaints, described

OWN: Final = "mulesoft-dx"
COMMUNITY: Final = "anypoint-client-go"

REJECTED: Final = (
    ("me", OWN, r"'user' is a required property", "a connected app on its own behalf has no user"),
    (
        "list-apis",
        COMMUNITY,
        r"(instanceLabel|lastActiveDate|endpointUri): None is not",
        "MuleSoft's own has them null",
    ),
    ("get-api", OWN, r"endpoint\.uri: None is not", "its own request may have it null, as on a Flex Gateway"),
    ("patch-api", OWN, r"endpoint\.uri: None is not", "the same"),
    ("list-policies", OWN, r"pointcutData: None is not", "its own request may have it null: for all methods"),
    ("list-policies", OWN, r"^\$: \{'policies'.* is not of type", "knows the plain list, not what fullInfo answers"),
    ("get-policy", OWN, r"^\$: \{'audit'.* is not of type", "has one policy as a list of policies"),
    ("create-contract", COMMUNITY, r"status 201 is none", "says 200, where MuleSoft's own says 201"),
    ("get-application", COMMUNITY, r"status 200 is none", "says 204 with a body"),
)
"""Operation, whose description, what a strict validator says there, and why the answer is right all the same."""


async def recorded() -> list[Exchanged]:
    recorder = Recorder()
    anypoint = Anypoint(4)
    hooks = {"response": [recorder.listen]}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(anypoint.board), base_url=BASE, event_hooks=hooks
    ) as http:
        await Round(anypoint, http).go()
    return recorder.calls


def verdicts(calls: list[Exchanged]) -> Iterator[tuple[str, str, list[str]]]:
    """For each call and description: operation, source, and what a strict validator says of request and answer."""
    for call in calls:
        for one in described(call.method, call.path):
            said = list(_answer(call, one))
            if call.status < 300 and call.sent is not None:
                said += [f"request {words}" for words in complaints(one.request(), call.sent)]
            yield call.operation, one.source, said


def known(operation: str, source: str, words: str) -> tuple[str, str, str, str] | None:
    """The entry of REJECTED that foresees this complaint."""
    found = (one for one in REJECTED if one[:2] == (operation, source) and re.search(one[2], words))
    return next(found, None)


def _answer(call: Exchanged, one: Described) -> Iterator[str]:
    if call.status < 300 and not one.lists(call.status):
        yield f"status {call.status} is none of {sorted(one.told['responses'])}"
    yield from complaints(one.answer(call.status) if one.lists(call.status) else None, call.told)


async def connected() -> list[Exchanged]:
    """What our connector asks for: a test, a discovery, restores of a changed and of a deleted instance."""
    recorder = Recorder()
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())["payments-api"]
    anypoint.listeners.append(recorder.listen)
    gateway = anypoint.connect()
    assert [line async for line in gateway.check()]
    api = f"{HERE}/apis/{recorded.native_id}"
    await anypoint.call("PATCH", api, {"description": "changed", "assetVersion": "1.1.0", "routing": []})
    for kind, path in (("tier", "tiers"), ("policy", "policies"), ("upstream", "upstreams")):
        natives = [entity.native_id for entity in recorded.entities if entity.kind == kind]
        await anypoint.call("DELETE", f"{api}/{path}/{natives[0]}")
        anypoint.tables[path][natives[1]].update(description="changed", order=9, uri="http://changed")
    await gateway.discover(quiet)
    await restored(gateway, recorded)
    await anypoint.call("DELETE", api)
    await restored(gateway, recorded)
    return recorder.calls


async def sold() -> list[Exchanged]:
    """What our provisioner and our plans ask for: a seat's whole life, everybody, a plan, the tag."""
    recorder = Recorder()
    shop = Shop(2)
    product = (await shop.discover())["orders-api"]
    shop.listeners.append(recorder.listen)
    there, scope = shop.provisioner(), (shop.product(0), shop.product(1))
    wish = seat(wanted("a"), wanted("b"), scope=scope, limits=(MINUTE,))
    for standing in (Standing.ACTIVE, Standing.SUSPENDED, Standing.ACTIVE):
        await there.converge(replace(wish, standing=standing))
    await there.converge(replace(wish, plan="max", scope=scope[1:]))
    assert (await there.existing(scope, quiet)).consumers
    plans = connect(shop.connection("connected_app", {}))
    plan = (await plans.carry(offer(*scope))).wanted
    for action in (Action.CREATE, Action.DELETE):
        steps = [Step(action, one.kind, one.key, one, one) for one in plan.entities]
        await plans.apply(plan, plan, steps, lambda _: None)
    for monetized in (True, False):
        await plans.tag(product, monetized=monetized)
    await there.converge(replace(wish, keys=(), standing=Standing.GONE))
    return recorder.calls


async def restored(gateway: Gateway, recorded: Product) -> None:
    live = await gateway.read(recorded)
    await gateway.apply(recorded, live, plan_restore(recorded, live, MANIFEST.kinds).steps, lambda _: None)
    after = await gateway.read(recorded)
    assert after
    assert not compare(recorded, after, MANIFEST.kinds).changes


async def test_every_operation_shows_a_success_and_a_refusal() -> None:
    seen = defaultdict(set)
    for call in await recorded():
        seen[call.operation].add(call.status // 100)
    lacking = {operation.name: {2, 4} - seen[operation.name] for operation in OPERATIONS}
    lacking.pop("application-contracts")  # no connected app may read it, so it never succeeds
    assert {name: missing for name, missing in lacking.items() if missing} == {}


async def test_answers_and_requests_are_as_the_descriptions_have_them() -> None:
    found = list(verdicts(await recorded()))
    said = [(operation, source, words) for operation, source, all_words in found for words in all_words]
    assert len(found) > 150
    assert [one for one in said if known(*one) is None] == []
    foreseen = {known(*one) for one in said}
    assert [one for one in REJECTED if one not in foreseen] == []


async def test_what_our_connector_asks_for_is_described_and_as_described() -> None:
    calls = await connected()
    asked = {call.operation for call in calls}
    assert {"create-api", "patch-api", "create-tier", "put-tier", "create-policy", "patch-policy"} <= asked
    assert {"create-upstream", "patch-upstream", "list-policies", "get-asset", "token", "file"} <= asked
    _hold(calls)


async def test_what_our_provisioner_and_plans_ask_for_is_described_and_as_described() -> None:
    calls = await sold()
    asked = {call.operation for call in calls}
    assert {"create-application", "patch-application", "delete-application", "reset-secret"} <= asked
    assert {"create-contract", "patch-contract", "delete-contract", "act-on-contract", "list-contracts"} <= asked
    assert {"create-tier", "put-tier", "put-tag", "delete-tag"} <= asked
    _hold(calls)


def _hold(calls: list[Exchanged]) -> None:
    for call in calls:
        assert call.operation == "file" or described(call.method, call.path), call
    said = [(operation, source, words) for operation, source, all_words in verdicts(calls) for words in all_words]
    assert [one for one in said if known(*one) is None] == []
