"""The room's values as the wire shows them. As everywhere, `before` is Aforo's side and `after` the gateway's."""

from typing import Any

from aforo.catalog import (
    FieldView,
    ImpactView,
    ProblemView,
    Status,
    StepOutcome,
    StepView,
    field_view,
    problem_view,
    step_view,
)
from aforo.gateway_sdk.contract import Document
from aforo.kit.wire import Moment, WireModel
from aforo.pricing.model import PricingPreview, Row, RowResult, Standing, Stood, Subject
from aforo.pricing.service import SyncResult


class PricingRowView(WireModel):
    """A plan, or the tag on a product. `key` is what to select it by.

    `removes` are paths of what Aforo made at the gateway and no longer wants there; a sync of the row takes it away.
    """

    status: Status
    key: str
    subject: Subject
    subject_id: str
    name: str
    versions: list[int]
    reason: str
    line: str
    fields: list[FieldView]
    removes: list[str]
    left_out: list[str]
    dangers: list[str]
    impact: ImpactView


class PricingPreviewView(WireModel):
    """`planId` is what to sync from, as everywhere; the plans that are sold are the rows' subjects."""

    plan_id: str
    integration_id: str
    created_at: Moment
    hash: str
    partial: bool
    problems: list[ProblemView]
    unread: list[str]
    summary: dict[str, int]
    changes: list[PricingRowView]


class PricingResultView(WireModel):
    key: str
    name: str
    outcome: StepOutcome
    detail: str
    steps: list[StepView]


class PricingSyncView(WireModel):
    plan_id: str
    done: bool
    results: list[PricingResultView]


class PricingStandingView(WireModel):
    """How what the last sync left stands now."""

    key: str
    subject: Subject
    subject_id: str
    name: str
    versions: list[int]
    synced_at: Moment
    synced_by: str
    standing: Standing
    reason: str
    fields: list[FieldView]


class PricingStateView(WireModel):
    data: list[PricingStandingView]
    partial: bool
    next_cursor: None = None


class DeletionGuardView(WireModel):
    """A template for the vendor's own tool."""

    filename: str
    media_type: str
    text: str


def to_json(view: WireModel) -> dict[str, Any]:
    """As it goes over the wire."""
    return view.model_dump(mode="json", by_alias=True)


def preview_view(preview: PricingPreview) -> PricingPreviewView:
    reading = preview.reading
    return PricingPreviewView(
        plan_id=preview.id,
        integration_id=preview.integration_id,
        created_at=preview.created_at,
        hash=reading.hash,
        partial=reading.partial,
        problems=[problem_view(problem) for problem in reading.problems],
        unread=list(reading.unread),
        summary=reading.summary(),
        changes=[row_view(row) for row in reading.rows],
    )


def row_view(row: Row) -> PricingRowView:
    wish, impact = row.wish, row.wish.impact
    return PricingRowView(
        status=row.status,
        key=row.key,
        subject=wish.subject,
        subject_id=wish.subject_id,
        name=wish.name,
        versions=list(wish.versions),
        reason=row.reason,
        line=row.line,
        fields=[field_view(change) for change in row.difference.changes],
        removes=list(row.removes),
        left_out=list(row.left_out),
        dangers=list(wish.dangers),
        impact=ImpactView(
            subscriptions=impact.subscriptions,
            credentials=impact.credentials,
            monthly_revenue=impact.monthly_revenue,
            currency=impact.currency,
        ),
    )


def sync_view(result: SyncResult) -> PricingSyncView:
    return PricingSyncView(
        plan_id=result.preview_id,
        done=all(one.outcome is StepOutcome.DONE for one in result.results),
        results=[_result_view(one) for one in result.results],
    )


def state_view(stood: list[Stood]) -> PricingStateView:
    return PricingStateView(
        data=[_standing_view(one) for one in stood],
        partial=any(one.standing is Standing.UNREAD and one.synced.subject is Subject.PLAN for one in stood),
    )


def guard_view(document: Document) -> DeletionGuardView:
    return DeletionGuardView(filename=document.filename, media_type=document.media_type, text=document.text)


def _result_view(one: RowResult) -> PricingResultView:
    return PricingResultView(
        key=one.key,
        name=one.name,
        outcome=one.outcome,
        detail=one.detail,
        steps=[step_view(step) for step in one.steps],
    )


def _standing_view(one: Stood) -> PricingStandingView:
    synced = one.synced
    return PricingStandingView(
        key=synced.key,
        subject=synced.subject,
        subject_id=synced.subject_id,
        name=synced.name,
        versions=list(synced.versions),
        synced_at=synced.synced_at,
        synced_by=synced.synced_by,
        standing=one.standing,
        reason=one.reason,
        fields=[field_view(change) for change in one.difference.changes],
    )
