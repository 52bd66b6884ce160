"""Statements as the wire and a spreadsheet show them. Amounts and quantities are exact decimals, as text."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal

from pydantic import Field

from aforo.customers.model import Plan
from aforo.customers.rules.bill import Adjustment, Capped
from aforo.customers.rules.currency import plain
from aforo.customers.rules.ledger import Bill
from aforo.customers.rules.periods import Period, PeriodSpec
from aforo.customers.service import Provenance, Told
from aforo.customers.terms import Model
from aforo.customers.views import LineView, line_view
from aforo.kit.wire import Moment, WireModel
from aforo.usage import Certificate


class BillingPeriodView(WireModel):
    """From `start` on, up to but without `end`; the midnights are those of `timeZone`."""

    start: Moment
    end: Moment
    time_zone: str
    anchor_day: int


class StatementRow(WireModel):
    """`open`: until `finalAt` events still count in; then `final`."""

    id: str
    subscription_id: str
    customer_id: str
    customer_name: str
    plan_id: str
    plan_key: str
    plan_name: str
    plan_version: int
    period: BillingPeriodView
    status: Literal["open", "final"]
    final_at: Moment
    as_of: Moment
    currency: str
    events: int
    total: str


class CapView(WireModel):
    """`amountBefore` is the total of the lines, `reduction` what the cap takes off it (0 or below)."""

    amount: str
    period: str
    applied: bool
    amount_before: str
    reduction: str
    note: str | None


class DeltaView(WireModel):
    """By how much a line of an earlier statement would differ now."""

    metric: str | None
    name: str | None
    model: Model
    quantity: str
    amount: str


class AdjustmentView(WireModel):
    """What events that came after an earlier statement was final change of it."""

    statement_id: str
    period: BillingPeriodView
    late_events: int
    lines: list[DeltaView]
    cap: str
    amount: str


class HoleView(WireModel):
    """Numbers of a node's events that did not arrive."""

    node: str
    epoch: str
    first: int
    last: int
    after: str | None
    before: str


class CompletenessView(WireModel):
    """`complete`: no numbered event of the period is missing; null where no node numbers its events."""

    complete: bool | None
    received: int
    missing: int
    holes: list[HoleView]


class ProvenanceView(WireModel):
    """From what a statement was made. `hoursFrom` and `hoursTo` bound the usage, in whole quarters of an hour."""

    events: int
    late_events: int
    hours_from: Moment | None
    hours_to: Moment | None
    log_segment: int
    log_offset: int
    terms_digest: str
    completeness: CompletenessView


class StatementDocument(StatementRow):
    """A statement in full. `total` = `subtotal` + `spendCap.reduction` + the adjustments' amounts."""

    external_id: str | None
    lines: list[LineView]
    subtotal: str
    spend_cap: CapView | None
    adjustments: list[AdjustmentView]
    exact_subtotal: str = Field(description="The sum of what the lines came to before each was rounded")
    provenance: ProvenanceView
    digest: str = Field(description="The same as long as all that is counted and charged is the same")


def row_view(told: Told) -> StatementRow:
    return StatementRow(**_facts(told))


def document(told: Told, made_from: Provenance) -> StatementDocument:
    one = told.bill
    card = one.plan.terms.rate_card if one.own.told.lines else ()
    return StatementDocument(
        **_facts(told),
        external_id=told.customer.external_id,
        lines=[line_view(entry, line) for entry, line in zip(card, one.own.told.lines, strict=True)],
        subtotal=f"{one.own.told.total:f}",
        spend_cap=_cap(one.own.cap, one.own.told.total) if one.own.cap else None,
        adjustments=[_adjustment(one, each) for each in one.adjustments],
        exact_subtotal=plain(one.own.told.exact_total),
        provenance=_provenance(one, made_from),
        digest=one.digest(),
    )


def as_csv(told: StatementDocument) -> str:
    """One row for each step of each line, then the cap, the adjustments and the total."""
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(_HEADS)
    sheet.writerows([*_about(told), *map(safe, row)] for row in _rows(told))
    return text.getvalue()


def csv_headers(told: StatementDocument) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{told.id}.csv"', "cache-control": "no-store"}


def safe(text: str) -> str:
    """A spreadsheet takes what begins like this for a formula; a negative amount is none."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and not _is_number(text) else text


_HEADS = (
    "statement", "subscription", "customer", "customer_name", "plan", "plan_version", "period_start", "period_end",
    "time_zone", "status", "currency", "row", "name", "metric", "model", "step", "quantity", "unit_price", "exact",
    "amount",
)  # fmt: skip


def _about(told: StatementDocument) -> list[str]:
    period = told.model_dump(mode="json")["period"]
    named = (told.id, told.subscription_id, told.customer_id, told.customer_name, told.plan_key, str(told.plan_version))
    return [
        safe(one) for one in (*named, period["start"], period["end"], told.period.time_zone, told.status, told.currency)
    ]


def _rows(told: StatementDocument) -> Iterator[tuple[str, ...]]:
    for line in told.lines:
        about = (line.name or "", line.metric or "", line.model.value)
        for part in line.parts:
            yield ("part", *about, part.kind.value, part.quantity, part.price, part.amount, "")
        yield ("line", *about, "", line.quantity, "", line.exact, line.amount)
    if told.spend_cap is not None:
        yield ("spend_cap", told.spend_cap.note or "", "", "", "", "", "", "", told.spend_cap.reduction)
    for one in told.adjustments:
        yield ("adjustment", f"late events of {one.statement_id}", "", "", "", str(one.late_events), "", "", one.amount)
    yield ("total", "", "", "", "", "", "", "", told.total)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal() and text.isascii()


def _facts(told: Told) -> dict[str, Any]:
    one = told.bill
    return {
        "id": one.id,
        "subscription_id": one.subscription.id,
        "customer_id": told.customer.id,
        "customer_name": told.customer.name,
        "plan_id": one.plan.id,
        "plan_key": one.plan.key,
        "plan_name": one.plan.name,
        "plan_version": one.plan.version,
        "period": _period(one.period, one.spec),
        "status": "final" if told.is_final else "open",
        "final_at": told.final_at,
        "as_of": told.as_of,
        "currency": one.own.told.currency,
        "events": one.events,
        "total": f"{one.total:f}",
    }


def _period(period: Period, spec: PeriodSpec) -> BillingPeriodView:
    return BillingPeriodView(start=period.start, end=period.end, time_zone=spec.time_zone, anchor_day=spec.anchor_day)


def _cap(capped: Capped, before: Decimal) -> CapView:
    note = None
    if not capped.applies:
        note = f"The cap counts by the {capped.cap.period} of another calendar and is not applied to this statement."
    return CapView(
        amount=plain(capped.cap.amount),
        period=capped.cap.period.value,
        applied=capped.applies,
        amount_before=f"{before:f}",
        reduction=f"{capped.reduction:f}",
        note=note,
    )


def _adjustment(of: Bill, one: Adjustment) -> AdjustmentView:
    start = f"{one.period.start:%Y%m%dt%H%M%S}"
    of_card = one.rate_card
    return AdjustmentView(
        statement_id=f"{of.id.rpartition('_')[0]}_{start}",
        period=_period(one.period, of.spec),
        late_events=one.events,
        lines=[
            DeltaView(
                metric=each.line.priced.metric,
                name=each.line.priced.name,
                model=of_card[each.place].model,
                quantity=plain(each.quantity),
                amount=f"{each.amount:f}",
            )
            for each in one.deltas
        ],
        cap=f"{one.cap:f}",
        amount=f"{one.amount:f}",
    )


def _provenance(one: Bill, made_from: Provenance) -> ProvenanceView:
    hours = one.hours or (None, None)
    segment, offset = made_from.position
    return ProvenanceView(
        events=one.events,
        late_events=sum(each.events for each in one.adjustments),
        hours_from=hours[0],
        hours_to=hours[1],
        log_segment=segment,
        log_offset=offset,
        terms_digest=_terms_digest(one.plan),
        completeness=_completeness(made_from.certificates),
    )


def _terms_digest(plan: Plan) -> str:
    return f"sha256:{sha256(plan.terms.model_dump_json(by_alias=True).encode()).hexdigest()}"


def _completeness(certificates: tuple[Certificate, ...]) -> CompletenessView:
    """A node may have sent events under both names of a customer: its holes count once."""
    nodes = {(node.node, node.epoch): node for one in certificates for node in one.nodes}
    missing = sum(node.missing_count for node in nodes.values())
    return CompletenessView(
        complete=not missing if nodes else None,
        received=sum(one.received for one in certificates),
        missing=missing,
        holes=[
            HoleView(
                node=node.node, epoch=node.epoch, first=hole.first, last=hole.last, after=hole.after, before=hole.before
            )
            for node in nodes.values()
            for hole in node.missing
        ],
    )
