"""What of plans is to stand at one gateway, what stands there, and what a sync would write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aforo.catalog import Difference, Impact, Status, StepOutcome, StepResult, observed_digest
from aforo.customers import Grant, Plan
from aforo.gateway_sdk.contract import Problem, Product, Step
from aforo.gateway_sdk.pricing import Offer
from aforo.kit.jsontree import digest


class Subject(StrEnum):
    """What a row is about: a plan, or the tag on a product that is sold."""

    PLAN = "PLAN"
    TAG = "TAG"


@dataclass(frozen=True, slots=True)
class SoldPlan:
    """A plan of which one gateway sells something: an offer for each version in use, the newest first."""

    plan: Plan
    offers: tuple[Offer, ...]
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to stand at a gateway under one key, `plan:<plan's key>` or `tag:<product's id>`.

    wanted    without entities where nothing is to stand any more, and for tags
    last      as it stood after the last sync; None if there was none
    is_gone   the plan is gone, or sells nothing here any more; the product is no longer sold
    """

    key: str
    subject: Subject
    subject_id: str
    name: str
    wanted: Product
    last: Product | None = None
    is_gone: bool = False
    versions: tuple[int, ...] = ()
    subscription_ids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    dangers: tuple[str, ...] = ()
    impact: Impact = field(default_factory=Impact)

    @property
    def sought(self) -> Product:
        """All that the gateway is to be asked for: what is to stand, and what the last sync left there beside it."""
        wanted = self.wanted.entities
        names = {(one.kind, one.key) for one in wanted}
        before = self.last.entities if self.last else ()
        return Product(
            self.wanted.ref,
            self.wanted.native_id,
            self.wanted.name,
            self.wanted.version,
            (*wanted, *(one for one in before if (one.kind, one.key) not in names)),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One wish beside the gateway. `removes` are paths of what Aforo made and no longer wants; `steps` do the row."""

    wish: Wish
    status: Status
    reason: str
    live: Product | None = None
    difference: Difference = field(default_factory=Difference)
    steps: tuple[Step, ...] = ()
    removes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.wish.key

    @property
    def line(self) -> str:
        """`NEW: plan Pro v3`."""
        wish = self.wish
        version = f" v{wish.versions[0]}" if wish.versions else ""
        told = f"{self.status.value}: {wish.subject.value.lower()} {wish.name}{version}"
        return f"{told} ({self.reason})" if self.reason else told

    @property
    def digest(self) -> str:
        """Over both sides, and all that the preview says beside them: a row with another digest is another row."""
        wish = self.wish
        return digest(
            [
                *(wish.key, self.status.value, wish.wanted.config_digest),
                observed_digest(self.live) if self.live else None,
                *([*wish.versions], sorted(wish.subscription_ids)),
                *([*self.left_out], [*wish.dangers], [*self.removes], [step.title for step in self.steps]),
            ]
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows in the order of their keys, and what could not be read; of `unread` keys nothing is concluded."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        return bool(self.problems)

    @property
    def hash(self) -> str:
        return digest([row.digest for row in self.rows])

    def summary(self) -> dict[str, int]:
        counts = dict.fromkeys((status.value for status in Status), 0)
        for row in self.rows:
            counts[row.status.value] += 1
        return counts


@dataclass(frozen=True, slots=True)
class PricingPreview:
    """A reading that can be synced from, once."""

    id: str
    integration_id: str
    created_at: datetime
    reading: Reading


@dataclass(frozen=True, slots=True)
class RowResult:
    """How one row of a sync ended, with its steps."""

    key: str
    name: str
    outcome: StepOutcome
    detail: str = ""
    steps: Sequence[StepResult] = ()


@dataclass(frozen=True, slots=True)
class Synced:
    """What the last sync left at a gateway under one key."""

    key: str
    subject: Subject
    subject_id: str
    name: str
    versions: tuple[int, ...]
    synced_at: datetime
    synced_by: str
    product: Product


class Standing(StrEnum):
    """How what was synced stands now. UNREAD: the gateway could not be asked, so nothing is concluded."""

    IN_SYNC = "IN_SYNC"
    DRIFTED = "DRIFTED"
    GONE = "GONE"
    UNREAD = "UNREAD"


@dataclass(frozen=True, slots=True)
class Stood:
    """What was synced beside the gateway, read just now; `reason` says why it is UNREAD."""

    synced: Synced
    standing: Standing
    reason: str = ""
    difference: Difference = field(default_factory=Difference)
