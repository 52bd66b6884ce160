"""Tables of the integrations room."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from aforo.gateway_sdk.contract import Check, Verdict
from aforo.integrations.errors import NameTaken, SettingsMoved
from aforo.integrations.model import Breaker, BreakerState, Health, HealthPoint, Integration, Pause, TestResult, Vitals
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata

_HISTORY: Final = timedelta(days=30)
_FORGOTTEN_AT_ONCE: Final = 20

integrations = Table(
    "integrations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("sign_in", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("secret_hints", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("emulated", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("vitals", Text, nullable=False),
    Column("last_test", Text),
    Column("paused_until", Text),
    Column("pause_reason", Text),
    Index("uq_integrations_name", "tenant_id", "name", unique=True),
)

integration_secrets = Table(
    "integration_secrets",
    metadata,
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True),
    Column("field", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

health_points = Table(
    "health_points",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), nullable=False),
    Column("at", Text, nullable=False),
    Column("health", Text, nullable=False),
    Column("took_ms", Float),
    Column("error_code", Text),
    Column("detail", Text),
    Index("ix_health_points_integration", "integration_id", "number"),
)


class IntegrationStore:
    """Reads and writes integrations; secrets only as sealed records."""

    def __init__(self, db: Database) -> None:
        self._db = self.db = db

    async def add(self, integration: Integration, sealed: Mapping[str, bytes]) -> None:
        with _told_apart(integration.name):
            await self._add(integration, sealed)

    async def _add(self, integration: Integration, sealed: Mapping[str, bytes]) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                insert(integrations).values(
                    id=integration.id,
                    tenant_id=integration.tenant_id,
                    gateway=integration.gateway,
                    facts=json.dumps(dict(integration.facts)),
                    created_at=rfc3339(integration.created_at),
                    vitals=json.dumps(_vitals_out(integration.vitals)),
                    **_changeable(integration),
                )
            )
            for field, blob in sealed.items():
                await connection.execute(
                    insert(integration_secrets).values(integration_id=integration.id, field=field, sealed=blob)
                )

    async def replace(self, integration: Integration, sealed: Mapping[str, bytes], *, was: int) -> None:
        """Store changed settings and those secrets that are given; others stay, unless they are no longer named.

        Raises SettingsMoved when the stored revision is no longer `was`: somebody has changed it since it was read.
        """
        with _told_apart(integration.name):
            await self._replace(integration, sealed, was)

    async def _replace(self, integration: Integration, sealed: Mapping[str, bytes], was: int) -> None:
        stay = integration.secret_hints.keys() - sealed.keys()
        gone = (integration_secrets.c.integration_id == integration.id) & integration_secrets.c.field.not_in(stay)
        async with self._db.write() as connection:
            here = (integrations.c.id == integration.id) & (integrations.c.revision == was)
            stored = await connection.execute(update(integrations).where(here).values(**_changeable(integration)))
            if not stored.rowcount:
                raise SettingsMoved(integration.name)
            await connection.execute(delete(integration_secrets).where(gone))
            for field, blob in sealed.items():
                await connection.execute(
                    insert(integration_secrets).values(integration_id=integration.id, field=field, sealed=blob)
                )

    async def all(self, tenant_id: str | None = None) -> list[Integration]:
        query = select(integrations).order_by(integrations.c.name)
        if tenant_id is not None:
            query = query.where(integrations.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_integration(row) for row in rows]

    async def labels(self, tenant_id: str) -> list[tuple[str, str, str]]:
        """Id, name and gateway of each, by name."""
        query = select(integrations.c.id, integrations.c.name, integrations.c.gateway)
        query = query.where(integrations.c.tenant_id == tenant_id).order_by(integrations.c.name)
        async with self._db.read() as connection:
            return [(row.id, row.name, row.gateway) for row in (await connection.execute(query)).all()]

    async def troubled(self, tenant_id: str) -> list[Integration]:
        """Those in ERROR or with a breaker that is not closed, by name."""
        health, breaker = (func.json_extract(integrations.c.vitals, path) for path in ("$.health", "$.breaker.state"))
        is_troubled = or_(health == Health.ERROR.value, breaker != BreakerState.CLOSED.value)
        query = select(integrations).where(integrations.c.tenant_id == tenant_id, is_troubled)
        async with self._db.read() as connection:
            rows = (await connection.execute(query.order_by(integrations.c.name))).mappings().all()
        return [_integration(row) for row in rows]

    async def get(self, tenant_id: str, integration_id: str) -> Integration | None:
        query = select(integrations).where(integrations.c.id == integration_id, integrations.c.tenant_id == tenant_id)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _integration(row) if row else None

    async def sealed(self, integration_id: str) -> dict[str, bytes]:
        query = select(integration_secrets).where(integration_secrets.c.integration_id == integration_id)
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return {row["field"]: row["sealed"] for row in rows}

    async def remove(self, tenant_id: str, integration_id: str) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                delete(integrations).where(integrations.c.id == integration_id, integrations.c.tenant_id == tenant_id)
            )

    async def save_vitals(self, integration_id: str, vitals: Vitals, point: HealthPoint | None) -> None:
        async with self._db.write() as connection:
            await connection.execute(
                update(integrations)
                .where(integrations.c.id == integration_id)
                .values(vitals=json.dumps(_vitals_out(vitals)))
            )
            if point is not None:
                await connection.execute(
                    insert(health_points).values(
                        integration_id=integration_id,
                        at=rfc3339(point.at),
                        health=point.health.value,
                        took_ms=point.took_ms,
                        error_code=point.error_code,
                        detail=point.detail,
                    )
                )
                await connection.execute(delete(health_points).where(_outlived(integration_id, point.at)))

    async def save_test(self, integration_id: str, result: TestResult) -> None:
        """Keep the outcome, unless the settings have changed since they were tried."""
        async with self._db.write() as connection:
            await connection.execute(
                update(integrations)
                .where(integrations.c.id == integration_id, integrations.c.revision == result.revision)
                .values(last_test=json.dumps(_test_out(result)))
            )

    async def save_pause(self, integration_id: str, pause: Pause | None) -> None:
        kept = {
            "paused_until": rfc3339(pause.until) if pause else None,
            "pause_reason": pause.reason if pause else None,
        }
        async with self._db.write() as connection:
            await connection.execute(update(integrations).where(integrations.c.id == integration_id).values(**kept))

    async def history(self, integration_id: str, since: datetime) -> list[HealthPoint]:
        """Oldest first."""
        query = (
            select(health_points)
            .where(health_points.c.integration_id == integration_id, health_points.c.at >= rfc3339(since))
            .order_by(health_points.c.number)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [
            HealthPoint(
                from_rfc3339(row["at"]), Health(row["health"]), row["took_ms"], row["error_code"], row["detail"]
            )
            for row in rows
        ]


@contextmanager
def _told_apart(name: str) -> Iterator[None]:
    """Two that took one name at once: the database lets one of them in."""
    try:
        yield
    except IntegrityError as fault:
        if "integrations.name" not in str(fault.orig):
            raise
        raise NameTaken(name) from fault


def _outlived(integration_id: str, now: datetime) -> ColumnElement[bool]:
    """The oldest few, of those that are too old: at each write a little more is removed than is added."""
    oldest = (
        select(health_points.c.number)
        .where(health_points.c.integration_id == integration_id)
        .order_by(health_points.c.number)
        .limit(_FORGOTTEN_AT_ONCE)
    )
    return health_points.c.number.in_(oldest) & (health_points.c.at < rfc3339(now - _HISTORY))


def _changeable(integration: Integration) -> dict[str, Any]:
    return {
        "name": integration.name,
        "sign_in": integration.sign_in,
        "settings": json.dumps(dict(integration.settings)),
        "secret_hints": json.dumps(dict(integration.secret_hints)),
        "emulated": integration.emulated,
        "revision": integration.revision,
    }


def _integration(row: Any) -> Integration:
    return Integration(
        id=row["id"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        gateway=row["gateway"],
        sign_in=row["sign_in"],
        settings=json.loads(row["settings"]),
        secret_hints=json.loads(row["secret_hints"]),
        facts=json.loads(row["facts"]),
        emulated=bool(row["emulated"]),
        revision=row["revision"],
        created_at=from_rfc3339(row["created_at"]),
        vitals=_vitals_in(json.loads(row["vitals"])),
        last_test=_test_in(json.loads(row["last_test"])) if row["last_test"] else None,
        pause=Pause(from_rfc3339(row["paused_until"]), row["pause_reason"] or "") if row["paused_until"] else None,
    )


def _vitals_out(vitals: Vitals) -> dict[str, Any]:
    breaker = vitals.breaker
    return {
        "health": vitals.health.value,
        "failures": vitals.failures,
        "lastOkAt": _time_out(vitals.last_ok_at),
        "lastFailedAt": _time_out(vitals.last_failed_at),
        "lastErrorCode": vitals.last_error_code,
        "lastError": vitals.last_error,
        "breaker": {
            "state": breaker.state.value,
            "failures": breaker.failures,
            "since": _time_out(breaker.since),
            "lastFailure": breaker.last_failure,
        },
    }


def _vitals_in(kept: dict[str, Any]) -> Vitals:
    breaker = kept["breaker"]
    return Vitals(
        health=Health(kept["health"]),
        failures=kept["failures"],
        last_ok_at=_time_in(kept["lastOkAt"]),
        last_failed_at=_time_in(kept["lastFailedAt"]),
        last_error_code=kept["lastErrorCode"],
        last_error=kept["lastError"],
        breaker=Breaker(
            BreakerState(breaker["state"]), breaker["failures"], _time_in(breaker["since"]), breaker["lastFailure"]
        ),
    )


def _test_out(result: TestResult) -> dict[str, Any]:
    checks = [
        [check.name, check.verdict.value, check.detail, check.next_step, check.code, check.took_ms]
        for check in result.checks
    ]
    return {"at": rfc3339(result.at), "checks": checks, "revision": result.revision, "proven": result.proven}


def _test_in(kept: dict[str, Any]) -> TestResult:
    checks = [Check(name, Verdict(verdict), *rest) for name, verdict, *rest in kept["checks"]]
    return TestResult(from_rfc3339(kept["at"]), tuple(checks), kept.get("revision", 0), kept.get("proven", False))


def _time_out(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _time_in(text: str | None) -> datetime | None:
    return from_rfc3339(text) if text else None
