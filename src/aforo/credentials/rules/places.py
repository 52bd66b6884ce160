"""A credential at each gateway of its subscription: wanted beside observed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aforo.credentials.model import PENDING, Credential, CredentialState, Place
from aforo.credentials.rules.standing import key_standing, successor_of
from aforo.customers import GatewayStatus
from aforo.gateway_sdk.provision import Standing


@dataclass(frozen=True, slots=True)
class Where:
    """`reason` says why it is not as wanted. A key that is to be gone from a gateway that never had it is not told."""

    integration_id: str
    wanted: Standing
    observed: str
    reason: str | None
    place: Place | None

    @property
    def is_as_wanted(self) -> bool:
        return self.observed == self.wanted.value


def whereabouts(
    one: Credential, others: Sequence[Credential], gateways: Sequence[GatewayStatus], now: datetime
) -> list[Where]:
    """`others` are its subscription's, itself among them; `gateways` where the subscription stands or stood."""
    successor = successor_of(one, list(others))
    found = []
    for gateway in gateways:
        place = one.place(gateway.integration_id)
        wanted = key_standing(one, gateway.integration_id, successor, now)
        if gateway.wanted.value == "CANCELLED":
            wanted = Standing.GONE
        elif gateway.wanted.value != "ACTIVE" and wanted is Standing.ACTIVE:
            wanted = Standing.SUSPENDED
        if place is None and (wanted is Standing.GONE or one.adopted):
            continue
        observed = place.observed if place else PENDING
        reason = gateway.reason if observed != wanted.value else None
        found.append(Where(gateway.integration_id, wanted, observed, reason, place))
    return found


def last_used(one: Credential) -> datetime | None:
    return max((place.last_used_at for place in one.places if place.last_used_at), default=None)


def hint_of(one: Credential) -> str | None:
    """The end of its secret: its own, or what the first gateway made."""
    return one.hint or next((place.hint for place in one.places if place.hint), None)


VERBS = {
    CredentialState.ACTIVE: ("rotate", "suspend", "revoke"),
    CredentialState.GRACE: ("revoke",),
    CredentialState.SUSPENDED: ("reactivate", "revoke"),
    CredentialState.REVOKED: (),
}
"""What can be asked of a credential in each state."""
