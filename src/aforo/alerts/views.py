"""How alerts, channels and deliveries look on the wire."""

from collections.abc import Iterable

from aforo.alerts.model import Alert, Attempt, Channel, ChannelKind, Delivery, DeliveryState, Event, Kind, Severity
from aforo.alerts.service.alerts import Told
from aforo.kit.wire import Moment, WireModel


class ChannelView(WireModel):
    """`address` is what may be shown of it. `paused` says why nothing is sent there any more; null while it works."""

    id: str
    kind: ChannelKind
    name: str
    address: str
    kinds: list[Kind]
    min_severity: Severity
    paused: str | None
    created_at: Moment


class AddedChannelView(ChannelView):
    """`secret` is what its webhooks are signed with, if Aforo made it; it is told this once."""

    secret: str | None


class AttemptView(WireModel):
    """`ok` is null where Aforo stopped before the answer came."""

    number: int
    at: Moment
    ok: bool | None
    answer: str | None
    took_ms: float | None


class DeliveryView(WireModel):
    """`id` is also the `webhook-id` and part of the Message-ID, the same in every try."""

    id: str
    channel_id: str
    channel_name: str
    event: Event
    state: DeliveryState
    created_at: Moment
    ended_at: Moment | None
    next_attempt_at: Moment | None
    answer: str | None
    replay_of: str | None
    attempts: list[AttemptView]


class AffectsView(WireModel):
    """Null while it cannot be known."""

    subscriptions: int | None
    credentials: int | None
    monthly_revenue: str | None
    currency: str | None


class SubjectView(WireModel):
    id: str
    name: str


class AlertView(WireModel):
    """`endedAt` is null while it holds. `url` is the page that shows it."""

    id: str
    kind: Kind
    severity: Severity
    title: str
    detail: str
    subject: SubjectView
    affects: AffectsView
    since: Moment
    raised_at: Moment
    ended_at: Moment | None
    resolution: str | None
    url: str


class ToldAlertView(AlertView):
    deliveries: list[DeliveryView]


def channel_view(one: Channel) -> ChannelView:
    return ChannelView(
        id=one.id,
        kind=one.kind,
        name=one.name,
        address=one.hint,
        kinds=sorted(one.kinds),
        min_severity=one.min_severity,
        paused=one.paused,
        created_at=one.created_at,
    )


def added_view(one: Channel, secret: str | None) -> AddedChannelView:
    return AddedChannelView(**channel_view(one).model_dump(), secret=secret)


def alert_view(one: Alert, base_url: str) -> AlertView:
    notice, touched = one.notice, one.notice.affected
    return AlertView(
        id=one.id,
        kind=notice.kind,
        severity=notice.severity,
        title=notice.title,
        detail=notice.detail,
        subject=SubjectView(id=notice.subject, name=notice.name),
        affects=AffectsView(
            subscriptions=touched.subscriptions,
            credentials=touched.credentials,
            monthly_revenue=touched.monthly_revenue,
            currency=touched.currency,
        ),
        since=notice.since,
        raised_at=one.raised_at,
        ended_at=one.ended_at,
        resolution=one.resolution,
        url=f"{base_url}{notice.path}",
    )


def told_view(one: Alert, told: Iterable[Told], base_url: str) -> ToldAlertView:
    shown = [delivery_view(each.delivery, each.attempts) for each in told]
    return ToldAlertView(**alert_view(one, base_url).model_dump(), deliveries=shown)


def delivery_view(one: Delivery, attempts: Iterable[Attempt] = ()) -> DeliveryView:
    return DeliveryView(
        id=one.id,
        channel_id=one.channel_id,
        channel_name=one.channel_name,
        event=one.event,
        state=one.state,
        created_at=one.created_at,
        ended_at=one.ended_at,
        next_attempt_at=one.due_at if one.state is DeliveryState.PENDING else None,
        answer=one.answer,
        replay_of=one.replay_of,
        attempts=[
            AttemptView(number=each.number, at=each.at, ok=each.ok, answer=each.answer, took_ms=each.took_ms)
            for each in attempts
        ],
    )
