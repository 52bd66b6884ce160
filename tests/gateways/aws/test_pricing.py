"""Plans at AWS: one usage plan each, what it cannot hold in words, the tag on what is sold, and the deletion guard."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import yaml
from cfnlint import lint_all

from aforo.gateway_sdk.contract import Action, Entity, Step
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.pricing import Limit, Offer, ScopedProduct
from aforo.gateways.aws.guard import guard
from aforo.gateways.aws.pricing.unasked import without_key
from aforo.gateways.aws.provisioner.limits import carried, left_out
from tests.gateways.aws.provision_parts import Account, seat, wanted

MONTH = Limit("api_calls", Decimal(1_000), "month", 2_592_000)
DAY = Limit("api_calls", Decimal(100), "day", 86_400)
MINUTE = Limit("api_calls", Decimal(60), "minute", 60, is_rate=True)


def offer(products: tuple[ScopedProduct, ...], *limits: Limit) -> Offer:
    return Offer("plan_1", "pro", "Pro", 3, products, limits, "EUR")


def create(entity: Entity) -> Step:
    return Step(Action.CREATE, entity.kind, entity.key, entity, None)


def quiet(_step: Step) -> None:
    """Nobody watches."""


async def test_a_plan_is_one_usage_plan_that_reads_back_as_it_was_written() -> None:
    account = Account()
    there = account.pricing()
    before = account.picture()
    plan = (await there.carry(offer(await account.products("TranslationAPI", "Geo"), MONTH, MINUTE))).wanted
    assert (plan.ref, len(plan.entities)) == ("plan:pro", 1)
    assert await there.read(plan) is None
    await there.apply(plan, None, [create(plan.entities[0])], quiet)
    live = await there.read(plan)
    assert live is not None
    assert live.config_digest == plan.config_digest
    assert account.plans()[live.entities[0].native_id]["quota"] == {"limit": 1_000, "period": "MONTH"}
    await there.apply(
        plan, live, [Step(Action.DELETE, "usage_plan", plan.entities[0].key, None, live.entities[0])], quiet
    )
    assert account.picture() == before


async def test_keys_of_subscriptions_are_in_the_usage_plan_that_was_synced_and_it_stays_without_them() -> None:
    account = Account()
    there, seats = account.pricing(), account.provisioner()
    scope = await account.products("GeocodingAPI")
    plan = (await there.carry(offer(scope, MONTH))).wanted
    await there.apply(plan, None, [create(plan.entities[0])], quiet)
    live = await there.read(plan)
    assert live is not None
    wish = seat(wanted("a"), scope=scope, limits=(MONTH,))
    seated = await seats.converge(wish)
    assert [one.native_id for one in seated.objects] == [live.entities[0].native_id]
    step = Step(Action.DELETE, "usage_plan", plan.entities[0].key, None, live.entities[0])
    with pytest.raises(GatewayError, match="Keys are in usage plan"):
        await there.apply(plan, live, [step], quiet)
    assert account.opened(seated.keys[0].native_id) == {scope[0].native_id}
    await seats.converge(seat(wanted("a", standing=seated.standing.GONE), standing=seated.standing.GONE))
    assert await there.read(plan) == live


async def test_an_edit_at_the_usage_plan_is_seen_and_put_back_in_one_patch() -> None:
    account = Account()
    there = account.pricing()
    scope = await account.products("TranslationAPI/prod", "GeocodingAPI")
    plan = (await there.carry(offer(scope[:1], MONTH, MINUTE))).wanted
    await there.apply(plan, None, [create(plan.entities[0])], quiet)
    plan_id = next(key for key, row in account.plans().items() if row["name"] == plan.entities[0].key)
    edits = [
        {"op": "replace", "path": "/quota/limit", "value": "7"},
        {"op": "remove", "path": "/throttle"},
        {"op": "add", "path": "/apiStages", "value": scope[1].native_id.replace("/", ":")},
    ]
    account.do("UpdateUsagePlan", usagePlanId=plan_id, patchOperations=edits)
    account.do(
        "UntagResource", resourceArn=f"arn:aws:apigateway:eu-west-1::/usageplans/{plan_id}", tagKeys=["aforo:kept"]
    )
    live = await there.read(plan)
    assert live is not None
    assert live.config_digest != plan.config_digest
    account.board.log.clear()
    step = Step(Action.UPDATE, "usage_plan", plan.entities[0].key, plan.entities[0], live.entities[0])
    await there.apply(plan, live, [step], quiet)
    after = await there.read(plan)
    assert after is not None
    assert after.config_digest == plan.config_digest
    assert [method for method, _ in account.writes()] == ["PATCH", "PUT"]


async def test_a_usage_plan_that_an_earlier_version_left_without_keys_is_told_for_removal() -> None:
    account = Account()
    there = account.pricing()
    scope = await account.products("GeocodingAPI")
    first = (await there.carry(offer(scope, MONTH))).wanted
    await there.apply(first, None, [create(first.entities[0])], quiet)
    second = (await there.carry(offer(scope, replace(MONTH, units=Decimal(5))))).wanted
    await there.apply(second, None, [create(second.entities[0])], quiet)
    live = await there.read(second)
    assert live is not None
    assert {one.key for one in live.entities} == {first.entities[0].key, second.entities[0].key}
    await account.provisioner().converge(seat(wanted("a"), scope=scope, limits=(MONTH,)))
    live = await there.read(second)
    assert live is not None
    assert [one.key for one in live.entities] == [second.entities[0].key]


async def test_somebody_elses_usage_plan_of_the_same_name_is_neither_read_nor_written() -> None:
    account = Account()
    there = account.pricing()
    plan = (await there.carry(offer(await account.products("GeocodingAPI"), MONTH))).wanted
    account.do("CreateUsagePlan", name=plan.entities[0].key, tags={"aforo:plan": "pro"})
    theirs = account.picture()[1]
    assert await there.read(plan) is None
    await there.apply(plan, None, [create(plan.entities[0])], quiet)
    now = account.picture()[1]
    assert {key: now[key] for key in theirs} == theirs


async def test_what_aws_cannot_hold_is_told() -> None:
    account = Account(size=6)
    weather, geo = await account.products("WeatherAPI", "GeocodingAPI")
    told = (await account.pricing().carry(offer((weather, geo), MONTH, DAY))).left_out
    assert told == (
        "100 api_calls per day: a usage plan has one quota, and holds that of the longest period",
        "WeatherAPI: AWS has no usage plans for HTTP APIs",
    )
    nothing = await account.pricing().carry(offer((weather,), MONTH))
    assert nothing.wanted.entities == ()


def test_an_operation_that_asks_for_no_key_is_told_and_a_preflight_is_not() -> None:
    document: dict[str, Any] = {
        "paths": {
            "/a": {"get": {"security": [{"api_key": []}]}, "options": {}, "post": {"security": [{"session": []}]}},
            "/b": {"x-amazon-apigateway-any-method": {}},
        },
        "components": {
            "securitySchemes": {
                "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
                "session": {"type": "apiKey", "x-amazon-apigateway-authtype": "custom"},
            }
        },
    }
    assert without_key(document) == ["ANY /b", "POST /a"]


@pytest.mark.parametrize(
    ("limits", "held"),
    [
        ((), {}),
        ((MONTH, DAY), {"quota": {"limit": 1_000, "period": "MONTH"}}),
        ((replace(DAY, units=Decimal("1.5")),), {"quota": {"limit": 2, "period": "DAY"}}),
        ((MINUTE, Limit("api_calls", Decimal(2), "second", 1)), {"throttle": {"rateLimit": 1.0, "burstLimit": 60}}),
        ((replace(MINUTE, burst=Decimal(5)),), {"throttle": {"rateLimit": 1.0, "burstLimit": 5}}),
    ],
)
def test_a_plan_has_the_quota_of_its_longest_period_and_its_slowest_rate(
    limits: tuple[Limit, ...], held: dict[str, Any]
) -> None:
    assert carried(limits) == held


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        (Limit("tokens", Decimal(9), "month", 2_592_000), "AWS counts calls only"),
        (replace(MONTH, hard=False), "AWS can only refuse"),
        (Limit("api_calls", Decimal(9), "year", 31_536_000), "AWS has no quota of a year"),
        (replace(MONTH, units=Decimal(0)), "AWS has no limit below one call"),
    ],
)
def test_a_limit_that_aws_does_not_know_is_left_out_in_words(limit: Limit, why: str) -> None:
    assert (carried((limit,)), len(left_out((limit,)))) == ({}, 1)
    assert why in left_out((limit,))[0]


@pytest.mark.parametrize("ref", ["TranslationAPI", "WeatherAPI"])
async def test_the_tag_is_at_the_stage_and_its_api_until_no_stage_is_sold_and_is_no_drift(ref: str) -> None:
    account = Account(size=6)
    there = account.pricing()
    before = {one.ref: one for one in await account.found()}
    stages = [one for one in before.values() if one.ref.startswith(ref)]
    bare = _tags(account)
    for one in stages:
        await there.tag(one, monetized=True)
        await there.tag(one, monetized=True)
    assert len(_sold(account)) == len(stages) + 1
    assert {one.ref: one.config_digest for one in await account.found()} == {
        ref: one.config_digest for ref, one in before.items()
    }
    await there.tag(stages[0], monetized=False)
    assert len(_sold(account)) == (2 if len(stages) == 2 else 0)
    for one in stages:
        await there.tag(one, monetized=False)
    assert _tags(account) == bare


def _tags(account: Account) -> list[dict[str, str]]:
    return [dict(one) for one in _all_tags(account)]


def _sold(account: Account) -> list[str]:
    return [one["aforo-monetized"] for one in _all_tags(account) if "aforo-monetized" in one]


def _all_tags(account: Account) -> Iterator[dict[str, str]]:
    for kind, name in (("restapis", "tags"), ("httpapis", "Tags")):
        for api in account.region.kind(kind).values():
            yield api["about"].get(name, {})
            yield from (stage.get(name, {}) for stage in api["stages"].values())


def test_the_deletion_guard_is_a_template_in_which_cfn_lint_finds_nothing() -> None:
    assert _complaints(guard().text) == []
    tagged = guard().text.replace("      Description: Keeps", "      Tags: []\n      Description: Keeps")
    assert _complaints(tagged) == ["E3002"]


def _complaints(text: str) -> list[str]:
    """Errors and warnings; cfn-lint's informational rules are off by default in its program too."""
    return [match.rule.id for match in lint_all(text) if not match.rule.id.startswith("I")]


def test_the_deletion_guard_denies_deleting_and_overwriting_what_bears_the_tag_and_nothing_else() -> None:
    made = yaml.safe_load(guard().text)["Resources"]["DeletionGuard"]["Properties"]["PolicyDocument"]
    deleting, overwriting, tags = made["Statement"]
    for statement, action in ((deleting, "apigateway:DELETE"), (overwriting, "apigateway:PUT")):
        assert (statement["Effect"], statement["Action"]) == ("Deny", [action])
        assert statement["Condition"] == {"Null": {"aws:ResourceTag/aforo-monetized": "false"}}
        assert [re.sub(r".*::", "", one["Fn::Sub"]) for one in statement["Resource"]] == ["/restapis/*", "/apis/*"]
    assert tags["Condition"] == {"ForAnyValue:StringEquals": {"aws:TagKeys": ["aforo-monetized"]}}
