"""The emulated organization: its tables, its clock, and the switches that a test may turn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aforo.gateway_sdk.emulator import StateFile
from aforo.kit.clock import Clock, rfc3339

Row = dict[str, Any]

ALL_SCOPES = frozenset(
    {
        "view:environment",
        "read:api_configuration",
        "manage:api_configuration",
        "read:api_policies",
        "manage:api_policies",
        "read:api_contracts",
        "manage:api_contracts",
        "read:exchange",
        "manage:exchange",
        "read:client_applications",
        "create:client_applications",
    }
)
TABLES = (
    "organizations",
    "environments",
    "apps",
    "tokens",
    "assets",
    "apis",
    "policies",
    "tiers",
    "upstreams",
    "applications",
    "contracts",
)


@dataclass
class Switches:
    """How it behaves; each can be turned while it runs.

    scopes            what the connected apps may do; None: all of it
    tells_scopes      whether an app may read its own scopes; most may not
    page_size         how much a list answers at most
    token_seconds     how long a token lives
    calls_per_minute  more are answered with 429, by Exchange with 503; None: no limit
    hidden_assets     assets that lists count but do not show, as to somebody with a part of the rights
    """

    scopes: frozenset[str] | None = None
    tells_scopes: bool = False
    page_size: int = 100
    token_seconds: int = 3600
    calls_per_minute: int | None = None
    hidden_assets: set[str] = field(default_factory=set)


class World:
    """Tables of rows by id. `changed` is called after each change."""

    def __init__(self, state: StateFile, clock: Clock, switches: Switches) -> None:
        self._state = state
        self.clock = clock
        self.switches = switches
        self.changed: Callable[[], None] = self.save
        kept = state.load()
        self.tables: dict[str, dict[str, Row]] = {name: kept.get(name, {}) for name in TABLES}
        self.facts: Row = kept.get("facts", {"next": 16_000_000})
        self._children: dict[tuple[str, object], dict[str, Row]] = {}
        for table, rows in self.tables.items():
            for key, row in rows.items():
                self._index(table, key, row)

    def save(self) -> None:
        self._state.save({**self.tables, "facts": self.facts})

    def next_id(self) -> int:
        self.facts["next"] += 1
        return int(self.facts["next"])

    def now(self) -> str:
        return rfc3339(self.clock.now())

    def later(self, seconds: float) -> str:
        return rfc3339(self.clock.now() + timedelta(seconds=seconds))

    def put(self, table: str, key: object, row: Row) -> Row:
        self.tables[table][str(key)] = row
        self._index(table, str(key), row)
        self.changed()
        return row

    def drop(self, table: str, key: object) -> None:
        row = self.tables[table].pop(str(key), {})
        self._children.get((table, row.get("apiId")), {}).pop(str(key), None)
        self.changed()

    def _index(self, table: str, key: str, row: Row) -> None:
        """What belongs to an instance is found without a look at all others."""
        if "apiId" in row:
            self._children.setdefault((table, row["apiId"]), {})[key] = row

    def rows(self, table: str, **wanted: object) -> list[Row]:
        """The rows whose members have these values, oldest first."""
        some = self._children.get((table, wanted["apiId"]), {}) if "apiId" in wanted else self.tables[table]
        return [row for row in some.values() if all(row.get(name) == one for name, one in wanted.items())]

    def may(self, *scopes: str) -> bool:
        """Whether any of these scopes is held."""
        held = self.switches.scopes
        return held is None or not held.isdisjoint(scopes)

    def touch(self, row: Row) -> None:
        row["audit"] = {**row.get("audit", {}), "updated": {"date": self.now()}}
        self.changed()

    def audit(self) -> Row:
        return {"created": {"date": self.now()}, "updated": {}}

    def whose(self, organization_id: str) -> Row:
        """The members that tell whose a row is: the root organization, and the business group."""
        organization = self.tables["organizations"].get(organization_id, {})
        return {"masterOrganizationId": organization.get("root", organization_id), "organizationId": organization_id}
