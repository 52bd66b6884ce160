"""Everybody at AWS: API keys with the stages that they open, ours by subscription; and the removal of an orphan."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from aforo.gateway_sdk.contract import Problem, Progress
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, ExistingKey
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.provisioner.holding import standing_of
from aforo.gateways.aws.provisioner.names import (
    KEY_TYPE,
    Names,
    Row,
    is_kept,
    plan_of,
    stage_of,
    stages_of,
    subscription_of,
)
from aforo.gateways.aws.provisioner.plans import UsagePlans

Opened = Mapping[str, frozenset[str]]


async def existing(aws: Aws, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
    """Only a first call that fails raises; what ends early makes the answer partial."""
    problems: list[Problem] = []
    keys: list[Row] = []
    try:
        async for page in aws.pages("apigateway", "GetApiKeys", {"includeValues": True}):
            keys += page
            progress(len(keys), None, "API keys")
    except GatewayError as fault:
        if not keys:
            raise
        problems.append(Problem("API keys", fault.detail, fault.code))
    opened = await _opened(aws, progress, problems)
    return Existence(tuple(_told(keys, opened, products)), tuple(problems))


async def _opened(aws: Aws, progress: Progress, problems: list[Problem]) -> Opened:
    """The stages by key. AWS tells a plan's keys, so it takes one call for each plan and 500 keys."""
    found: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    try:
        plans = await UsagePlans(aws).every()
    except GatewayError as fault:
        problems.append(Problem("usage plans", fault.detail, fault.code))
        return found
    for number, plan in enumerate(plans):
        try:
            for row in await aws.every("apigateway", "GetUsagePlanKeys", {"usagePlanId": plan["id"]}):
                found[str(row["id"])] |= stages_of([plan])
        except GatewayNotFound:
            continue
        except GatewayError as fault:
            problems.append(Problem(f"keys of usage plan {plan.get('name')}", fault.detail, fault.code))
        progress(number + 1, len(plans), "usage plans")
    return found


def _told(keys: Iterable[Row], opened: Opened, products: Sequence[ScopedProduct]) -> Iterator[Existing]:
    """A foreign key is a consumer of its own; those of a subscription are one."""
    marked: defaultdict[str, list[Row]] = defaultdict(list)
    for row in keys:
        if subscription := subscription_of(row):
            marked[subscription].append(row)
        else:
            yield _existing(str(row["id"]), str(row.get("name") or row["id"]), [row], opened, products)
    for subscription, rows in marked.items():
        place = Names(subscription).place
        yield _existing(place, place, rows, opened, products, subscription)


def _existing(
    consumer: str, name: str, rows: Sequence[Row], opened: Opened, products: Sequence[ScopedProduct],
    subscription_id: str | None = None,
) -> Existing:  # fmt: skip
    stages = frozenset[str]().union(*(opened.get(str(row["id"]), frozenset()) for row in rows))
    return Existing(
        consumer=consumer,
        name=name,
        keys=tuple(_key(row) for row in rows),
        external_id=next((str(row["customerId"]) for row in rows if row.get("customerId")), None),
        scope=frozenset(one.native_id for one in products if stage_of(one.native_id) in stages),
        subscription_id=subscription_id,
    )


def _key(row: Row) -> ExistingKey:
    value, made = row.get("value"), row.get("createdDate")
    return ExistingKey(
        KEY_TYPE,
        str(row["id"]),
        standing_of(row),
        hashlib.sha256(value.encode()).hexdigest() if isinstance(value, str) else None,
        made if isinstance(made, datetime) else None,
    )


async def remove(aws: Aws, found: Existing) -> None:
    """The keys with the subscription's mark, and usage plans of ours in which no key is left by that."""
    if found.subscription_id is None:
        raise _not_ours(found)
    names, plans = Names(found.subscription_id), UsagePlans(aws)
    rows = [row for row in await aws.every("apigateway", "GetApiKeys", {"nameQuery": names.prefix}) if names.owns(row)]
    if not rows and found.consumer != names.place:
        raise _not_ours(found)
    left: dict[str, Row] = {}
    for row in rows:
        for plan in await plans.of_key(str(row["id"])):
            if plan_of(plan) is not None:
                left[str(plan["id"])] = plan
                await plans.leave(plan, str(row["id"]))
        await plans.gone("DeleteApiKey", apiKey=row["id"])
    for plan in left.values():
        if not is_kept(plan):
            async with plans.turn(plan_of(plan) or ""):
                await plans.remove_if_empty(plan)


def _not_ours(found: Existing) -> GatewayError:
    return GatewayError(
        f"API key {found.name} does not carry Aforo's mark, so Aforo does not delete it.",
        next_step="Delete it in API Gateway if nobody needs it.",
    )
