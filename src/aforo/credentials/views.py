"""The room's values as the wire shows them."""

from pydantic import Field

from aforo.credentials.model import Credential, CredentialState, Issued, Mode, Orphan, Place, Scan
from aforo.credentials.service.adoption import Found, FoundAll
from aforo.gateway_sdk.provision import ExistingKey, Standing
from aforo.kit.wire import Moment, WireModel


class PlaceView(WireModel):
    """A credential at one gateway. `nativeId` is what the gateway tells in a check, never a secret."""

    integration_id: str
    type: str | None
    native_id: str | None
    observed: str
    hint: str | None
    last_used_at: Moment | None


class CredentialView(WireModel):
    """`graceUntil`: a rotated one works until then at least, and until its successor works."""

    id: str
    subscription_id: str
    mode: Mode
    state: CredentialState
    adopted: bool
    replaces: str | None
    hint: str | None
    grace_until: Moment | None
    created_at: Moment
    revoked_at: Moment | None
    places: list[PlaceView]


class SecretView(WireModel):
    """`integrationId` is null where every gateway takes this secret."""

    integration_id: str | None
    secret: str


class IssuedView(CredentialView):
    """With its secrets, which are shown this once. A gateway that is not done yet is told by its `observed`."""

    secrets: list[SecretView] = Field(description="Shown once: Aforo does not tell them again")


class ExistingKeyView(WireModel):
    """`sha256` is the hash of the secret where the gateway tells it. `subscriptionId`: whose it is already."""

    type: str
    native_id: str
    standing: Standing
    sha256: str | None
    created_at: Moment | None
    subscription_id: str | None


class MatchView(WireModel):
    """The customer that a consumer seems to be: a proposal that waits for a yes."""

    customer_id: str | None
    why: str


class ConsumerView(WireModel):
    """A consumer and one of its applications. `subscriptionId`: Aforo made it. `productIds` are what its keys open."""

    consumer: str
    name: str
    application: str | None
    application_name: str | None
    email: str | None
    external_id: str | None
    subscription_id: str | None
    product_ids: list[str]
    keys: list[ExistingKeyView]
    match: MatchView


class ConsumersView(WireModel):
    """`partial`: some could not be read, and `problems` says why."""

    data: list[ConsumerView]
    partial: bool
    problems: list[str]


class AdoptedView(WireModel):
    """The subscriptions that were made, in the order of the wishes."""

    subscription_ids: list[str]


class OrphanView(WireModel):
    id: str
    integration_id: str
    consumer: str
    application: str | None
    name: str
    subscription_id: str
    keys: int
    reason: str
    found_at: Moment


class ScanView(WireModel):
    """`incomplete`: by integration, why it could not be read whole; nothing is concluded from those."""

    data: list[OrphanView]
    incomplete: dict[str, str]


def consumers_view(told: FoundAll) -> ConsumersView:
    problems = [f"{one.what}: {one.why}" for one in told.problems]
    return ConsumersView(data=[_consumer(one) for one in told.found], partial=bool(problems), problems=problems)


def orphan_view(one: Orphan) -> OrphanView:
    return OrphanView(
        id=one.id,
        integration_id=one.integration_id,
        consumer=one.consumer,
        application=one.application,
        name=one.name,
        subscription_id=one.subscription_id,
        keys=len(one.keys),
        reason=one.reason,
        found_at=one.found_at,
    )


def scan_view(scan: Scan) -> ScanView:
    return ScanView(data=[orphan_view(one) for one in scan.orphans], incomplete=dict(scan.incomplete))


def credential_view(one: Credential) -> CredentialView:
    return CredentialView(
        id=one.id,
        subscription_id=one.subscription_id,
        mode=one.mode,
        state=one.state,
        adopted=one.adopted,
        replaces=one.replaces,
        hint=one.hint or next((place.hint for place in one.places if place.hint), None),
        grace_until=one.grace_until,
        created_at=one.created_at,
        revoked_at=one.revoked_at,
        places=[_place(place) for place in one.places],
    )


def issued_view(issued: Issued) -> IssuedView:
    secrets = [SecretView(integration_id=one.integration_id, secret=one.secret) for one in issued.secrets]
    return IssuedView(**dict(credential_view(issued.credential)), secrets=secrets)


def _place(place: Place) -> PlaceView:
    return PlaceView.model_validate(place, from_attributes=True)


def _consumer(one: Found) -> ConsumerView:
    found = one.existing
    return ConsumerView(
        consumer=found.consumer,
        name=found.name,
        application=found.application,
        application_name=found.application_name,
        email=found.email,
        external_id=found.external_id,
        subscription_id=found.subscription_id,
        product_ids=list(one.products),
        keys=[_existing_key(key, one.taken.get(key.native_id)) for key in found.keys],
        match=MatchView.model_validate(one.match, from_attributes=True),
    )


def _existing_key(key: ExistingKey, subscription_id: str | None) -> ExistingKeyView:
    return ExistingKeyView(
        type=key.type,
        native_id=key.native_id,
        standing=key.standing,
        sha256=key.sha256,
        created_at=key.created_at,
        subscription_id=subscription_id,
    )
