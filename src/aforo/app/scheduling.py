"""What runs by itself: the kinds of schedules, whom they are for, and what moves them.

A further kind is one more `schedules.add_kind(…)`; its work is any coroutine that takes the schedule. For what concerns
a whole tenant, such as a survey of alerts, let it apply to subjects that are no integration.
"""

from datetime import datetime, timedelta
from typing import Final

from aforo.accounts import Accounts
from aforo.app.problems import problem
from aforo.catalog import Sweep, Sweeper
from aforo.credentials.service.orphans import Orphans
from aforo.gateway_sdk.registry import gateways
from aforo.integrations import Integration, Integrations
from aforo.integrations.errors import ConnectionNotTested, SettingsMissing
from aforo.integrations.listeners import BreakerChange
from aforo.integrations.model import BreakerState
from aforo.integrations.rules.breaker import seconds_to_probe
from aforo.jobs import Kind, Outcome, Result, Schedule, Schedules, ScheduleStore, Subject
from aforo.jobs.schedules.model import Work
from aforo.kit.clock import Clock
from aforo.kit.db import Database
from aforo.usage.keeping import Keeping
from aforo.usage.pulled import Pulling

HEALTH: Final = "health"
DRIFT: Final = "drift"
ORPHANS: Final = "orphans"
TOKENS: Final = "tokens"
USAGE: Final = "usage"
RETENTION: Final = "retention"
_DAY: Final = 86_400


def open_schedules(
    db: Database,
    accounts: Accounts,
    integrations: Integrations,
    sweeper: Sweeper,
    orphans: Orphans,
    pulling: Pulling,
    keeping: Keeping,
    clock: Clock,
) -> Schedules:
    """The schedules with all kinds that there are; they follow integrations as these come, change and go."""

    async def subjects() -> list[Subject]:
        every = [_subject(integrations, one, clock.now()) for one in await integrations.all()]
        return every + [Subject(one.id, one.id, one.name, is_integration=False) for one in await accounts.tenants()]

    schedules = Schedules(ScheduleStore(db), subjects, clock, problem)
    for kind in (
        Kind(HEALTH, "Health check", "One cheap call; while the breaker is open, its probe.", 300,
             _usable(_health(integrations)), _any_integration, first_seconds=10, probes=True),
        Kind(DRIFT, "Drift scan", "Compares every recorded product with the gateway.", 900,
             _usable(_drift(sweeper)), _any_integration, emulated_seconds=60, first_seconds=30),
        Kind(ORPHANS, "Orphan scan", "Looks for what Aforo made there and no record explains.", _DAY,
             _usable(_orphans(orphans)), lambda one: "provisioner" in one.traits, least_seconds=600, first_seconds=120),
        Kind(TOKENS, "Token refresh", "Renews the access token ahead of its end.", 1800,
             _usable(_tokens(integrations)), lambda one: "consent" in one.traits, first_seconds=20),
        Kind(USAGE, "Usage figures", "Reads what the gateway's own analytics counted by day.", 3600,
             _usable(_usage(pulling)), lambda one: "usage" in one.traits, least_seconds=600, first_seconds=90),
        Kind(RETENTION, "Retention", "Reduces events that are older than you keep them whole.", _DAY,
             _retention(keeping), lambda one: not one.is_integration, least_seconds=3600, first_seconds=300),
    ):  # fmt: skip
        schedules.add_kind(kind)
    _follow(integrations, schedules, clock)
    return schedules


def _subject(integrations: Integrations, one: Integration, now: datetime) -> Subject:
    breaker = one.vitals.breaker
    entry, manifest = gateways()[one.gateway], integrations.manifest(one)
    way = manifest.sign_in(one.sign_in)
    traits = {part: entry.has(part) for part in ("provisioner", "usage")} | {"consent": bool(way and way.provider)}
    pause = one.paused_at(now)
    return Subject(
        one.tenant_id,
        one.id,
        one.name,
        emulated=one.emulated,
        traits=frozenset(name for name, has in traits.items() if has),
        paused_until=pause.until if pause else None,
        calls_pass=breaker.state is BreakerState.CLOSED,
        probe_at=_after(now, seconds_to_probe(breaker, now)),
    )


def _follow(integrations: Integrations, schedules: Schedules, clock: Clock) -> None:
    """Make and remove schedules with integrations; probe when the breaker says so; catch up once a pause is over."""

    async def changed(tenant_id: str, integration_id: str) -> None:
        del tenant_id
        await schedules.agree()
        await schedules.wake(integration_id)

    async def breaker(change: BreakerChange) -> None:
        if change.after is BreakerState.OPEN and change.probe_at:
            await schedules.plan(change.integration_id, HEALTH, change.probe_at)
        elif change.after is BreakerState.CLOSED:
            await schedules.wake(change.integration_id)
            await schedules.plan(change.integration_id, HEALTH, clock.now())

    integrations.listeners.on_change.append(changed)
    integrations.listeners.on_breaker.append(breaker)


def _any_integration(one: Subject) -> bool:
    return one.is_integration


def _usable(work: Work) -> Work:
    """What has not passed its test yet, or is not complete, is left alone."""

    async def guarded(schedule: Schedule) -> Outcome:
        try:
            return await work(schedule)
        except (ConnectionNotTested, SettingsMissing) as fault:
            return Outcome(fault.detail, Result.SKIPPED)

    return guarded


def _health(integrations: Integrations) -> Work:
    async def work(schedule: Schedule) -> Outcome:
        await integrations.ping(schedule.tenant_id, schedule.subject_id)
        return Outcome("It answers.")

    return work


def _drift(sweeper: Sweeper) -> Work:
    async def work(schedule: Schedule) -> Outcome:
        found = await sweeper.scan(schedule.tenant_id, schedule.subject_id)
        if not found.recorded:
            return Outcome("No product is imported yet, so there is nothing to compare.", Result.SKIPPED)
        return Outcome(_words(found), Result.PARTIAL if found.problems else Result.DONE)

    return work


def _words(found: Sweep) -> str:
    """`12 of 12 products compared, 1 differs, 1 newly noticed.`"""
    parts = [f"{found.compared:,} of {found.recorded:,} products compared"]
    parts.append(f"{found.differ:,} {'differs' if found.differ == 1 else 'differ'}" if found.differ else "none differs")
    if found.opened:
        parts.append(f"{found.opened:,} newly noticed")
    if found.settled:
        parts.append(f"{found.settled:,} as recorded again")
    missed = "".join(f" Not read: {one.what}, {one.why}." for one in found.problems[:3])
    return f"{', '.join(parts)}.{missed}"


def _orphans(orphans: Orphans) -> Work:
    async def work(schedule: Schedule) -> Outcome:
        if fault := await orphans.scan_one(schedule.tenant_id, schedule.subject_id):
            return Outcome(f"It could not be read whole, so nothing is concluded: {fault}", Result.PARTIAL)
        every = await orphans.all(schedule.tenant_id)
        count = sum(1 for one in every if one.integration_id == schedule.subject_id)
        return Outcome(f"{count:,} orphan{'' if count == 1 else 's'}." if count else "No orphan.")

    return work


def _tokens(integrations: Integrations) -> Work:
    async def work(schedule: Schedule) -> Outcome:
        renew_at = await integrations.renew_token(schedule.tenant_id, schedule.subject_id)
        return Outcome("The access token is good for some minutes yet.", next_at=renew_at)

    return work


def _usage(pulling: Pulling) -> Work:
    async def work(schedule: Schedule) -> Outcome:
        told = await pulling.pull(schedule.tenant_id, schedule.subject_id)
        calls = f"{told.calls:,} call{'' if told.calls == 1 else 's'}"
        return Outcome(f"{calls} from {told.first} to {told.last}, as the gateway counted them.")

    return work


def _retention(keeping: Keeping) -> Work:
    async def work(schedule: Schedule) -> Outcome:
        told = await keeping.apply(schedule.tenant_id)
        if told is None:
            return Outcome("Events are kept whole for ever.", Result.SKIPPED)
        return Outcome(f"{told.events:,} event{'' if told.events == 1 else 's'} reduced to what sums need.")

    return work


def _after(now: datetime, seconds: float) -> datetime | None:
    return now + timedelta(seconds=seconds) if seconds > 0 else None
