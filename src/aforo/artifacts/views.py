"""The room's values as the wire shows them. No secret is among them."""

from typing import Any, Literal

from aforo.artifacts.model import Installed, Mode, Preview, Refusals, Standing, Verification, Wishes
from aforo.gateway_sdk.artifact import FailMode, Phase
from aforo.gateway_sdk.contract import Verdict
from aforo.kit.wire import Moment, WireModel


class PlannedStepView(WireModel):
    """`danger` says what a step does to somebody else's traffic."""

    action: Literal["create", "update", "wrap", "keep", "by_hand"]
    what: str
    detail: str
    danger: str


class ArtifactFileView(WireModel):
    """A file to install by hand."""

    filename: str
    media_type: str
    text: str


class WishesView(WireModel):
    targets: list[str]
    key_from: list[str]
    excluded: list[str]
    metrics: dict[str, str]
    fail_mode: FailMode
    options: dict[str, str]


class ArtifactPreviewView(WireModel):
    """`hits` are the proxies, services or stages whose calls would pass through it."""

    integration_id: str
    version: str
    steps: list[PlannedStepView]
    hits: list[str]
    documents: list[ArtifactFileView]
    notes: list[str]
    settings: WishesView
    ingest_url: str
    products: int


class ArtifactCheckView(WireModel):
    name: str
    verdict: Verdict
    detail: str
    next_step: str | None
    code: str | None
    took_ms: float | None


class VerificationView(WireModel):
    """`url` is null where no call was made; `canaryLeft` names what of the canary could not be taken away yet."""

    at: Moment
    by: str
    url: str | None
    passed: bool
    checks: list[ArtifactCheckView]
    canary_left: str | None


class WouldRefuseView(WireModel):
    """`customerId` is null for callers that nobody knows."""

    customer_id: str | None
    customer: str
    product_id: str
    product: str
    reason: str
    calls: int
    last_at: Moment


class RefusalsView(WireModel):
    """Who would have been refused, had every product of this gateway been enforced; `unnamed` name no product."""

    since: Moment
    calls: int
    customers: int
    data: list[WouldRefuseView]
    unnamed: int


class ObservedView(WireModel):
    """As the gateway shows it just now."""

    phase: Phase
    version: str | None
    attached: list[str]
    detail: str


class BoundsView(WireModel):
    delivery: str
    loss: str
    overshoot: str
    lease_store: str
    single_flight: str


class PausedView(WireModel):
    since: Moment
    by: str
    reason: str
    mode_before: Mode


class EnforcementView(WireModel):
    """The record beside the gateway. `unfinished` is what broke off, to be finished by whatever is asked for next.

    `observed` is null where the gateway could not be asked; `fault` then says why.
    """

    integration_id: str
    phase: Phase
    mode: Mode
    version: str | None
    available: str
    observed: ObservedView | None
    attached: list[str]
    unfinished: str | None
    fault: str | None
    key_id: str | None
    key_last4: str | None
    settings: WishesView
    ingest_url: str | None
    deployed_at: Moment | None
    attached_at: Moment | None
    changed_at: Moment | None
    changed_by: str | None
    paused: PausedView | None
    bounds: BoundsView | None
    products: int
    enforced_product_ids: list[str]
    would_refuse: RefusalsView
    verification: VerificationView | None


def to_json(view: WireModel) -> dict[str, Any]:
    return view.model_dump(mode="json", by_alias=True)


def preview_view(preview: Preview) -> ArtifactPreviewView:
    rollout = preview.rollout
    return ArtifactPreviewView(
        integration_id=preview.integration_id,
        version=rollout.version,
        steps=[
            PlannedStepView(action=one.action, what=one.what, detail=one.detail, danger=one.danger)
            for one in rollout.steps
        ],
        hits=list(rollout.hits),
        documents=[
            ArtifactFileView(filename=one.filename, media_type=one.media_type, text=one.text)
            for one in rollout.documents
        ],
        notes=list(rollout.notes),
        settings=_wishes(preview.wishes),
        ingest_url=preview.ingest_url,
        products=preview.products,
    )


def verification_view(one: Verification) -> VerificationView:
    return VerificationView(
        at=one.at,
        by=one.by,
        url=one.url,
        passed=one.passed,
        checks=[
            ArtifactCheckView(
                name=check.name,
                verdict=check.verdict,
                detail=check.detail,
                next_step=check.next_step,
                code=check.code,
                took_ms=check.took_ms,
            )
            for check in one.checks
        ],
        canary_left=one.canary_left,
    )


def standing_view(standing: Standing) -> EnforcementView:
    one, bounds, observed = standing.installed, standing.bounds, standing.observed
    return EnforcementView(
        integration_id=standing.integration_id,
        available=standing.available,
        observed=ObservedView(
            phase=observed.phase, version=observed.version, attached=list(observed.attached), detail=observed.detail
        )
        if observed
        else None,
        fault=standing.fault or (one.fault if one else None),
        bounds=BoundsView(
            delivery=bounds.delivery,
            loss=bounds.loss,
            overshoot=bounds.overshoot,
            lease_store=bounds.lease_store,
            single_flight=bounds.single_flight,
        )
        if bounds
        else None,
        products=standing.products,
        enforced_product_ids=list(standing.enforced),
        would_refuse=_refusals(standing.refusals),
        **_recorded(one),
    )


def _recorded(one: Installed | None) -> dict[str, Any]:
    receipt, wiring, pause = (one.receipt, one.wiring, one.pause) if one else (None, None, None)
    return {
        "phase": one.phase if one else Phase.ABSENT,
        "mode": one.mode if one else Mode.OBSERVE,
        "version": one.version if one else None,
        "attached": list(receipt.attached) if receipt else [],
        "unfinished": one.unfinished.value if one and one.unfinished else None,
        "key_id": one.wired_key if one else None,
        "key_last4": wiring.api_key[-4:] if wiring else None,
        "settings": _wishes(one.wishes if one else Wishes()),
        "ingest_url": wiring.ingest_url if wiring else None,
        "deployed_at": one.deployed_at if one else None,
        "attached_at": one.attached_at if one else None,
        "changed_at": one.changed_at if one else None,
        "changed_by": one.changed_by if one else None,
        "paused": PausedView(since=pause.since, by=pause.by, reason=pause.reason, mode_before=pause.mode_before)
        if pause
        else None,
        "verification": verification_view(one.verification) if one and one.verification else None,
    }


def _wishes(wishes: Wishes) -> WishesView:
    return WishesView(
        targets=list(wishes.targets),
        key_from=list(wishes.key_from),
        excluded=list(wishes.excluded),
        metrics=dict(wishes.metrics),
        fail_mode=wishes.fail_mode,
        options=dict(wishes.options),
    )


def _refusals(refusals: Refusals) -> RefusalsView:
    return RefusalsView(
        since=refusals.since,
        calls=refusals.calls,
        customers=refusals.customers,
        data=[
            WouldRefuseView(
                customer_id=row.customer_id,
                customer=row.customer,
                product_id=row.product_id,
                product=row.product,
                reason=row.reason,
                calls=row.calls,
                last_at=row.last_at,
            )
            for row in refusals.rows
        ],
        unnamed=refusals.unnamed,
    )
