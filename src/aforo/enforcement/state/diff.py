"""What a connected node must hear of when one snapshot follows another."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from aforo.credentials import CredentialRow
from aforo.enforcement.model import CredentialKey, Grant, Tenant


class Change(NamedTuple):
    """`subject` is what leases and cached answers were given for: a subscription, credential, product, or `*`."""

    kind: str
    subject: str


def changes(before: Tenant, after: Tenant) -> list[Change]:
    """Revocations and suspensions first, then everything else."""
    found = [
        *_credential_changes(before.credentials, after.credentials),
        *_grant_changes(before.grants, after.grants),
    ]
    found += [Change("product.enforcement", one.id) for one in after.products.values() if _was(before, one.id, one)]
    if before.paused != after.paused:
        found.append(Change("enforcement.paused" if after.paused else "enforcement.resumed", "*"))
    if before.guards != after.guards:
        found.append(Change("margin.guards", "*"))
    return sorted(found, key=lambda change: change.kind not in _FIRST)


_FIRST = frozenset({"credential.revoked", "credential.suspended", "subscription.cancelled", "subscription.suspended"})


def _was(before: Tenant, product_id: str, now: object) -> bool:
    known = before.products.get(product_id)
    return known is not None and known != now


def _grant_changes(before: Mapping[str, Grant], after: Mapping[str, Grant]) -> Iterator[Change]:
    for key, old in before.items():
        new = after.get(key)
        if new is old:
            continue
        if new is None:
            yield Change("subscription.cancelled", key)
        elif new.status != old.status:
            yield Change("subscription.suspended" if new.status == "SUSPENDED" else "subscription.reactivated", key)
        elif new != old:
            yield Change("subscription.plan", key)
    yield from (Change("subscription.created", key) for key in after if key not in before)


def _credential_changes(
    before: Mapping[CredentialKey, CredentialRow], after: Mapping[CredentialKey, CredentialRow]
) -> Iterator[Change]:
    for key, old in before.items():
        if key != (old.integration_id, old.type, old.native_id):
            continue
        new = after.get(key)
        if new is None or (new.state == "REVOKED" and old.state != "REVOKED"):
            yield Change("credential.revoked", old.native_id)
        elif new != old:
            yield Change("credential.suspended" if new.state == "SUSPENDED" else "credential.changed", old.native_id)
