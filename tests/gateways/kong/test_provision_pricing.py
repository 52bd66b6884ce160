"""Plans at Kong: limits at each consumer of Kong OSS, consumer groups at Enterprise, and the tag on what is sold."""

import json
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Action, Connection, Entity, Step
from aforo.gateway_sdk.emulator import Receive, Scope, Send, answer_json, read_body
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.pricing import Limit, Offer, Pricing
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.kong.pricing import connect
from aforo.gateways.kong.provisioner.limits import windows
from aforo.gateways.kong.provisioner.names import Names
from aforo.kit.clock import HandClock
from tests.gateways.kong.provision_parts import ADMIN, SUBSCRIPTION, Kong, seat, wanted

MINUTE = Limit("api_calls", Decimal(60), "minute", 60, is_rate=True)
MONTH = Limit("api_calls", Decimal(1_000), "month", 2_592_000)
TOKENS = Limit("tokens", Decimal(10), "month", 2_592_000)


def pricing(app: Any) -> Pricing:
    clock = HandClock()
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app))
    transport = Transport(http, gateway_name="Kong", budget=Budget((), clock), gate=OpenGate())
    return connect(Connection("int_test", "none", {"admin_url": ADMIN}, transport, clock, _forget))


def offer(*subscriptions: str, limits: tuple[Limit, ...] = (MINUTE, MONTH), **members: Any) -> Offer:
    told: dict[str, Any] = {"products": ()} | members
    return Offer(
        "plan_1", "pro", "Pro", 3, limits=limits, currency="EUR", subscription_ids=tuple(subscriptions), **told
    )


def create(entity: Entity) -> Step:
    return Step(Action.CREATE, entity.kind, entity.key, entity, None)


async def test_a_plan_at_kong_oss_is_a_limit_at_each_consumer_and_reads_back_as_it_was_written() -> None:
    kong = Kong()
    await kong.provisioner().converge(seat(wanted("a")))
    there, payments = pricing(kong.board), await kong.product("payments-v2")
    carried = await there.carry(
        offer(SUBSCRIPTION, "sub_adopted", limits=(MINUTE, MONTH, TOKENS), products=(payments,))
    )
    plan = carried.wanted
    assert (plan.ref, [one.key for one in plan.entities]) == ("plan:pro", [f"rate-limiting@consumer:{SUBSCRIPTION}"])
    assert carried.left_out == (
        "10 tokens per month: Kong counts calls only",
        "sub_adopted: it has no consumer of Aforo's at Kong",
    )
    assert "payments-v2 no longer works" in carried.dangers[0]
    assert await there.read(plan) is None
    done: list[Step] = []
    await there.apply(plan, None, [create(one) for one in plan.entities], done.append)
    assert len(done) == 1
    assert await there.read(plan) == plan
    row = next(row for row in await kong.rows("plugins") if row["consumer"])
    await kong.call("PATCH", f"/plugins/{row['id']}", {"config": {"minute": 61}})
    live = await there.read(plan)
    assert live is not None
    assert live.entities[0].fields["config"] == {"minute": 61, "month": 1_000}
    kong.board.log.clear()
    limited = seat(wanted("a"), limits=(MINUTE, MONTH))
    await kong.provisioner().converge(limited)
    kong.board.log.clear()
    await kong.provisioner().converge(limited)
    assert kong.writes() == []
    assert await there.read(plan) == plan
    step = Step(Action.DELETE, "plugin", plan.entities[0].key, None, plan.entities[0])
    await there.apply(plan, plan, [step], done.append)
    assert await there.read(plan) is None


async def test_a_limit_that_somebody_else_set_at_the_consumer_is_refused_and_stays() -> None:
    kong = Kong()
    await kong.provisioner().converge(seat(wanted("a")))
    consumer = Names(SUBSCRIPTION).consumer
    there = pricing(kong.board)
    plan = (await there.carry(offer(SUBSCRIPTION))).wanted
    native = plan.entities[0].native_id
    theirs = {"name": "rate-limiting", "consumer": {"id": consumer}, "config": {"minute": 5}}
    await kong.call("PUT", f"/plugins/{native}", theirs)
    live = await there.read(plan)
    assert live is not None
    step = Step(Action.UPDATE, "plugin", plan.entities[0].key, plan.entities[0], live.entities[0])
    with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
        await there.apply(plan, live, [step], lambda _: None)
    assert (await kong.call("GET", f"/plugins/{native}"))["config"]["minute"] == 5


@pytest.mark.parametrize("konnect", [False, True])
async def test_the_tag_is_set_and_taken_and_other_tags_and_settings_stay(konnect: bool) -> None:
    kong = Kong(konnect=konnect)
    payments = await kong.product("payments-v2")
    before = await kong.call("GET", f"/services/{payments.native_id}")
    there = _konnect_pricing(kong) if konnect else pricing(kong.board)
    product: Any = payments
    for monetized in (True, True, False, False):
        await there.tag(product, monetized=monetized)
        now = await kong.call("GET", f"/services/{payments.native_id}")
        assert sorted(now["tags"]) == sorted(before["tags"] + ["aforo-monetized"] * monetized)
        changed = {name for name in before if now[name] != before[name]} - {"tags"}
        assert changed <= {"updated_at", "created_at"}


def _konnect_pricing(kong: Kong) -> Pricing:
    provisioner: Any = kong.provisioner()
    made: Any = pricing(kong.board)
    made._client = provisioner._client
    there: Pricing = made
    return there


async def test_at_enterprise_a_plan_is_a_consumer_group_with_its_limit_and_members() -> None:
    enterprise = Enterprise([Names("sub_1"), Names("sub_2")])
    there = pricing(enterprise)
    plan = (await there.carry(offer("sub_1", "sub_2"))).wanted
    assert [one.kind for one in plan.entities] == ["consumer_group", "plugin", "member", "member"]
    assert plan.entities[1].fields["config"] == {
        "limit": [60, 1_000],
        "window_size": [60, 2_592_000],
        "window_type": "fixed",
    }
    assert await there.read(plan) is None
    steps = [create(one) for one in plan.entities]
    await there.apply(plan, None, steps, lambda _: None)
    assert await there.read(plan) == plan
    written = dict(enterprise.rows)
    await there.apply(plan, None, steps, lambda _: None)
    assert enterprise.rows == written
    leaving = Step(Action.DELETE, "member", "sub_2", None, plan.entities[3])
    await there.apply(plan, plan, [leaving], lambda _: None)
    live = await there.read(plan)
    assert live is not None
    assert [one.key for one in live.entities] == [one.key for one in plan.entities[:3]]


def test_a_shorter_window_never_has_more_calls_than_a_longer_one_and_a_burst_counts() -> None:
    day = Limit("api_calls", Decimal(100), "day", 86_400)
    second = Limit("api_calls", Decimal(500), "second", 1, is_rate=True)
    assert windows([day, second]) == {"second": 100, "day": 100}
    burst = Limit("api_calls", Decimal("10.5"), "minute", 60, burst=Decimal(5), is_rate=True)
    assert windows([burst]) == {"minute": 16}
    assert windows([Limit("api_calls", Decimal(5), "day", 86_400, hard=False), TOKENS]) == {}
    assert windows([day, Limit("api_calls", Decimal(7), "day", 86_400)]) == {"day": 7}


class Enterprise:
    """The few paths of Kong Enterprise that a plan needs, from its description; the emulator is of Kong OSS."""

    def __init__(self, seats: list[Names]) -> None:
        self.rows: dict[str, Any] = {
            f"/consumers/{one.consumer}": {"id": one.consumer, "tags": one.tags} for one in seats
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        body = json.loads(await read_body(receive) or b"null")
        status, told = self._answer(method, path, body)
        await answer_json(send, status, told)

    def _answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "PUT":
            self.rows[path] = {**body, "id": path.rpartition("/")[2]}
            return 200, self.rows[path]
        if method == "POST":
            self.rows[f"{path}/{body['consumer']}"] = {"id": body["consumer"]}
            return 201, {}
        if method == "DELETE":
            self.rows.pop(path, None)
            return 204, None
        if path in self.rows:
            return 200, self.rows[path]
        if path in ("/consumers", "/consumer_groups") or path.endswith("/consumers"):
            below = [row for key, row in self.rows.items() if key.rpartition("/")[0] == path]
            return 200, {"data": below, "next": None}
        return 404, {"message": "Not found"}


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
