"""How a seat and its keys are to stand, from what the records say and what time it is."""

from datetime import datetime

from aforo.credentials.model import Credential, CredentialState
from aforo.gateway_sdk.provision import Standing

_OF_STATUS = {
    "PENDING": Standing.SUSPENDED,
    "ACTIVE": Standing.ACTIVE,
    "SUSPENDED": Standing.SUSPENDED,
    "CANCELLED": Standing.GONE,
}


def seat_standing(status: str) -> Standing:
    """Before its time has come a subscription is set up, but closed."""
    return _OF_STATUS[status]


def key_standing(credential: Credential, integration_id: str, successor: Credential | None, now: datetime) -> Standing:
    """How a credential is to stand at one gateway."""
    if credential.state is CredentialState.GRACE:
        ends_at = grace_ends_at(credential, integration_id, successor)
        return Standing.ACTIVE if ends_at is None or now < ends_at else Standing.GONE
    if credential.state is CredentialState.REVOKED:
        return Standing.GONE
    return Standing.SUSPENDED if credential.state is CredentialState.SUSPENDED else Standing.ACTIVE


def grace_ends_at(credential: Credential, integration_id: str, successor: Credential | None) -> datetime | None:
    """When a replaced credential goes from this gateway; None while its successor is not there.

    The grace is counted from the moment at which the successor works there, so that a gateway that was down during a
    rotation does not lock the customer out. Without a live successor it ends when it was to end.
    """
    if credential.grace_until is None:
        return None
    if successor is None or successor.state is CredentialState.REVOKED:
        return credential.grace_until
    place = successor.place(integration_id)
    if place is None or place.made_at is None:
        return None
    return max(credential.grace_until, place.made_at + (credential.grace_until - successor.created_at))


def successor_of(credential: Credential, others: list[Credential]) -> Credential | None:
    return next((one for one in others if one.replaces == credential.id), None)
