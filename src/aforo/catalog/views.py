"""The catalog's values as the wire shows them. A secret's difference is told, never its value or hash."""

from typing import Any, Final, Literal

from aforo.catalog.drift import DriftView, RestoreResult
from aforo.catalog.model import (
    Change,
    ChangeKind,
    DriftEpisode,
    MonetizationStatus,
    ProductRow,
    Row,
    SavedPreview,
    Status,
    StepResult,
    VersionRow,
)
from aforo.gateway_sdk.contract import Discovery, Problem, Product
from aforo.kit.jsontree import Absent
from aforo.kit.wire import Moment, WireModel

LONGEST_ID: Final = 64
LONGEST_NAME: Final = 2_048
"""Of names and paths that clients send: longer than any that a gateway allows."""
HIGHEST_VERSION: Final = 2**31 - 1


class FieldView(WireModel):
    """One difference. `before` is the record's side, `after` the gateway's; null where there is nothing or a secret."""

    path: str
    kind: ChangeKind
    before: Any
    after: Any
    secret: bool
    counts: bool


class ImpactView(WireModel):
    subscriptions: int | None
    credentials: int | None
    monthly_revenue: str | None
    currency: str | None


class RowView(WireModel):
    """`key`, where not null, is what to select this row by: another row of the preview has the same ref."""

    status: Status
    ref: str
    name: str
    version: str | None
    reason: str
    line: str
    product_id: str | None
    fields: list[FieldView]
    ignored: list[dict[str, str]]
    impact: ImpactView
    key: str | None = None


class ProblemView(WireModel):
    what: str
    why: str
    code: str


class PreviewView(WireModel):
    plan_id: str
    integration_id: str
    state: Literal["OPEN", "APPLIED"]
    created_at: Moment
    hash: str
    partial: bool
    problems: list[ProblemView]
    notes: list[str]
    unread: list[str]
    summary: dict[str, int]
    changes: list[RowView]


class DiscoveredView(WireModel):
    ref: str
    name: str
    version: str | None
    native_id: str


class DiscoveryView(WireModel):
    data: list[DiscoveredView]
    partial: bool
    problems: list[ProblemView]
    notes: list[str]
    next_cursor: None = None


class DigestView(WireModel):
    digest: str | None
    format: str | None = None


class ProductView(WireModel):
    id: str
    integration_id: str
    ref: str
    name: str
    version: str | None
    monetization_status: MonetizationStatus
    monetized: bool
    drift_id: str | None
    spec: DigestView
    config: DigestView
    record_version: int
    ignored: list[str]
    created_at: Moment
    updated_at: Moment
    checked_at: Moment | None


class EpisodeView(WireModel):
    id: str
    opened_at: Moment
    closed_at: Moment | None
    resolution: str | None
    gone: bool
    fields: list[FieldView]


class DriftViewOut(WireModel):
    """`observed` names the gateway's state that this shows: send it with restore or accept to be safe from races."""

    product_id: str
    monetization_status: MonetizationStatus
    drift: EpisodeView | None
    gone: bool
    observed: str | None
    fields: list[FieldView]
    ignored: list[dict[str, str]]


class StepView(WireModel):
    title: str
    outcome: str
    detail: str


class RestoreView(WireModel):
    dry_run: bool
    observed: str | None
    steps: list[StepView]
    unrestorable: list[dict[str, str]]
    left_alone: list[FieldView]


class VersionView(WireModel):
    number: int
    origin: str
    actor_id: str
    created_at: Moment


class DocumentView(WireModel):
    filename: str
    media_type: str
    text: str


class ImportView(WireModel):
    created: list[ProductView]
    updated: list[ProductView]
    untouched: list[str]


def to_json(view: WireModel) -> dict[str, Any]:
    """As it goes over the wire."""
    return view.model_dump(mode="json", by_alias=True)


def preview_view(saved: SavedPreview) -> PreviewView:
    preview = saved.preview
    return PreviewView(
        plan_id=saved.id,
        integration_id=saved.integration_id,
        state="OPEN" if saved.state == "OPEN" else "APPLIED",
        created_at=saved.created_at,
        hash=preview.hash,
        partial=preview.partial,
        problems=[problem_view(problem) for problem in preview.problems],
        notes=list(preview.notes),
        unread=list(preview.unread),
        summary=preview.summary(),
        changes=[row_view(row) for row in preview.rows],
    )


def row_view(row: Row) -> RowView:
    impact = row.impact
    return RowView(
        status=row.status,
        ref=row.ref,
        name=row.name,
        version=row.version,
        reason=row.reason,
        line=row.line,
        product_id=row.product_id,
        fields=[field_view(change) for change in row.difference.changes],
        ignored=[{"path": skipped.path, "why": skipped.why} for skipped in row.difference.skipped],
        impact=ImpactView(
            subscriptions=impact.subscriptions,
            credentials=impact.credentials,
            monthly_revenue=impact.monthly_revenue,
            currency=impact.currency,
        ),
        key=row.key if row.key != row.ref else None,
    )


def field_view(change: Change) -> FieldView:
    hidden = change.secret
    return FieldView(
        path=change.path,
        kind=change.kind,
        before=None if hidden or isinstance(change.before, Absent) else change.before,
        after=None if hidden or isinstance(change.after, Absent) else change.after,
        secret=hidden,
        counts=change.counts,
    )


def discovery_view(found: Discovery) -> DiscoveryView:
    return DiscoveryView(
        data=[_discovered(product) for product in found.products],
        partial=found.partial,
        problems=[problem_view(problem) for problem in found.problems],
        notes=list(found.notes),
    )


def problem_view(problem: Problem) -> ProblemView:
    return ProblemView(what=problem.what, why=problem.why, code=problem.code)


def product_view(row: ProductRow) -> ProductView:
    return ProductView(
        id=row.id,
        integration_id=row.integration_id,
        ref=row.ref,
        name=row.name,
        version=row.version,
        monetization_status=row.status,
        monetized=row.monetized,
        drift_id=row.drift_id,
        spec=DigestView(digest=row.spec_digest, format="openapi" if row.spec_digest else None),
        config=DigestView(digest=row.config_digest),
        record_version=row.record_version,
        ignored=sorted(row.ignored),
        created_at=row.created_at,
        updated_at=row.updated_at,
        checked_at=row.checked_at,
    )


def episode_view(episode: DriftEpisode) -> EpisodeView:
    return EpisodeView(
        id=episode.id,
        opened_at=episode.opened_at,
        closed_at=episode.closed_at,
        resolution=episode.resolution,
        gone=episode.gone,
        fields=[field_view(change) for change in episode.changes],
    )


def drift_view(view: DriftView) -> DriftViewOut:
    return DriftViewOut(
        product_id=view.product.id,
        monetization_status=view.product.status,
        drift=episode_view(view.episode) if view.episode else None,
        gone=view.live is None,
        observed=view.observed or "gone",
        fields=[field_view(change) for change in view.difference.changes],
        ignored=[{"path": skipped.path, "why": skipped.why} for skipped in view.difference.skipped],
    )


def restore_view(result: RestoreResult) -> RestoreView:
    planned = [StepView(title=step.title, outcome="PLANNED", detail="") for step in result.plan.steps]
    return RestoreView(
        dry_run=result.dry_run,
        observed=result.observed or "gone",
        steps=planned if result.dry_run else [step_view(step) for step in result.steps],
        unrestorable=[{"path": skipped.path, "why": skipped.why} for skipped in result.plan.unrestorable],
        left_alone=[field_view(change) for change in result.plan.left_alone],
    )


def step_view(step: StepResult) -> StepView:
    return StepView(title=step.title, outcome=step.outcome.value, detail=step.detail)


def version_view(row: VersionRow) -> VersionView:
    return VersionView(number=row.number, origin=row.origin, actor_id=row.actor_id, created_at=row.created_at)


def _discovered(product: Product) -> DiscoveredView:
    return DiscoveredView(ref=product.ref, name=product.name, version=product.version, native_id=product.native_id)
