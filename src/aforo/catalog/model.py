"""What is sold through a gateway, and how it compares with what stands there."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from aforo.gateway_sdk.contract import Problem, Product, Step
from aforo.kit.jsontree import Absent, Json


class Status(StrEnum):
    """A row of a preview. STALE means only: absent from a complete discovery."""

    NEW = "NEW"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    STALE = "STALE"


class MonetizationStatus(StrEnum):
    """Derived, never stored: STALE while a drift episode is open, whatever it was before."""

    UNMONETIZED = "UNMONETIZED"
    MONETIZED = "MONETIZED"
    STALE = "STALE"


class ChangeKind(StrEnum):
    """FIELD: a value differs. MISSING: a recorded child is gone. FOREIGN: a child that somebody else added."""

    FIELD = "FIELD"
    MISSING = "MISSING"
    FOREIGN = "FOREIGN"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between record and gateway, at one place.

    `path` is `/kind/key` plus the pointer into the entity: unique within a product, and what an operator ignores by.
    For MISSING and FOREIGN the whole entity's wishes stand in `before` or `after`. Where `secret` is set, both hold
    keyed hashes, which no page or answer shows. `counts` says whether this alone makes the product CHANGED.
    """

    kind: ChangeKind
    entity_kind: str
    entity_key: str
    pointer: str
    path: str
    before: Json | Absent
    after: Json | Absent
    secret: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that differs, or could, and was left out on purpose; pages list it under "ignored"."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs between one recorded product and its live twin."""

    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def is_drift(self) -> bool:
        return any(change.counts for change in self.changes)


@dataclass(frozen=True, slots=True)
class Impact:
    """What a row touches in subscriptions, live credentials and money a month; None while it cannot be known."""

    subscriptions: int | None = None
    credentials: int | None = None
    monthly_revenue: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A product as Aforo keeps it: who it is, and its entities with secrets veiled."""

    id: str
    record_version: int
    product: Product
    monetized: bool = False
    ignored_paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One product in a preview. `product_id` is None for NEW; `observed` is the live side's digest, None if absent.

    `key` names the row within its preview, where the ref does not always (see `rules.preview.keyed`).
    """

    ref: str
    native_id: str
    name: str
    version: str | None
    status: Status
    reason: str
    difference: Difference = field(default_factory=Difference)
    product_id: str | None = None
    record_version: int | None = None
    observed: str | None = None
    impact: Impact = field(default_factory=Impact)
    key: str = ""

    @property
    def line(self) -> str:
        """`CHANGED: TranslationAPI v2 (spec differs between gateway and Aforo)`."""
        named = f"{self.name} {self.version}" if self.version and not self.name.endswith(self.version) else self.name
        return f"{self.status.value}: {named} ({self.reason})" if self.reason else f"{self.status.value}: {named}"


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan as a value: rows in ref order, and what could not be read. Of `unread` records nothing is concluded."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    hash: str = ""

    @property
    def partial(self) -> bool:
        return bool(self.problems)

    def summary(self) -> dict[str, int]:
        counts = dict.fromkeys((status.value for status in Status), 0)
        for row in self.rows:
            counts[row.status.value] += 1
        return counts


@dataclass(frozen=True, slots=True)
class SavedPreview:
    """A preview that can be imported from, once."""

    id: str
    integration_id: str
    created_at: datetime
    created_by: str
    state: str
    preview: Preview


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """The writes that bring the gateway back to the record, in order, and what cannot be put back."""

    steps: tuple[Step, ...]
    unrestorable: tuple[Skipped, ...] = ()
    left_alone: tuple[Change, ...] = ()


class StepOutcome(StrEnum):
    DONE = "DONE"
    FAILED = "FAILED"
    NOT_TRIED = "NOT_TRIED"


@dataclass(frozen=True, slots=True)
class StepResult:
    title: str
    outcome: StepOutcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DriftEpisode:
    """From the scan that first saw a difference to the one that saw none, or to the operator's answer."""

    id: str
    product_id: str
    opened_at: datetime
    closed_at: datetime | None
    resolution: str | None
    changes: tuple[Change, ...]
    gone: bool


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product's row, without its sealed entities."""

    id: str
    tenant_id: str
    integration_id: str
    ref: str
    native_id: str
    name: str
    version: str | None
    monetized: bool
    record_version: int
    spec_digest: str | None
    config_digest: str
    ignored: frozenset[str]
    drift_id: str | None
    created_at: datetime
    updated_at: datetime
    checked_at: datetime | None

    @property
    def status(self) -> MonetizationStatus:
        if self.drift_id:
            return MonetizationStatus.STALE
        return MonetizationStatus.MONETIZED if self.monetized else MonetizationStatus.UNMONETIZED

    def recording(self, product: Product, now: datetime) -> "ProductRow":
        """The row once `product` is recorded as its next version."""
        return replace(
            self,
            ref=product.ref,
            native_id=product.native_id,
            name=product.name,
            version=product.version,
            record_version=self.record_version + 1,
            spec_digest=product.spec_digest,
            config_digest=product.config_digest,
            updated_at=now,
        )


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One recorded version: how it came about, by whom, when, and its sealed entities."""

    number: int
    origin: str
    actor_id: str
    created_at: datetime
    sealed: bytes


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """One product to record: as a new row when `expected_version` is None, else on top of exactly that version."""

    row: ProductRow
    expected_version: int | None
    origin: str
    actor_id: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    id: str
    product_id: str
    opened_at: datetime
    closed_at: datetime | None
    resolution: str | None
    gone: bool
    sealed: bytes
