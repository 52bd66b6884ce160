"""Which subscription a call is made under, and whether the operator lets a refusal through for now."""

import msgspec

from aforo.enforcement.model import CredentialKey, Grant, Product, Tenant
from aforo.enforcement.rules.decide import Reason


class Asked(msgspec.Struct, frozen=True, gc=False):
    """Who calls what. `customer_only`: the API key is bound to this customer and may ask about no other."""

    credential: CredentialKey | None
    customer: str | None
    product: str | None
    metric: str
    customer_only: str | None = None


class Found(msgspec.Struct, frozen=True, gc=False):
    """`enforced` is false while a refusal would only be observed."""

    grant: Grant | None
    product: Product | None
    refusal: Reason | None
    enforced: bool


def resolve(tenant: Tenant, asked: Asked, now_ms: int) -> Found:
    product = None
    if asked.product is not None:
        product = tenant.product(asked.product, asked.credential[0] if asked.credential else None)
    if asked.credential is not None:
        grant, refusal = _by_credential(tenant, asked.credential, now_ms)
        if grant is not None and asked.customer is not None and asked.customer not in _names(grant):
            grant, refusal = None, Reason.NO_SUBSCRIPTION
    elif asked.customer is not None:
        grant, refusal = _by_customer(tenant, asked, product, now_ms)
    else:
        grant, refusal = None, Reason.NO_SUBSCRIPTION
    if grant is not None and asked.customer_only is not None and asked.customer_only not in _names(grant):
        grant, refusal = None, Reason.NO_SUBSCRIPTION
    if refusal is None and grant is not None and asked.product is not None:
        is_open = _holds(grant, product) and not _leaves_out(tenant, asked.credential, product)
        refusal = None if is_open else Reason.PRODUCT_NOT_IN_PLAN
    return Found(grant, product, refusal, not tenant.paused and _enforced(tenant, asked, product, grant))


def _by_credential(tenant: Tenant, key: CredentialKey, now_ms: int) -> tuple[Grant | None, Reason | None]:
    row = tenant.credentials.get(key)
    if row is None:
        return None, Reason.NO_SUBSCRIPTION
    grant = tenant.grants.get(row.subscription_id)
    if row.state == "REVOKED":
        return grant, Reason.CREDENTIAL_REVOKED
    if grant is None:
        return None, Reason.NO_SUBSCRIPTION
    if grant.status == "SUSPENDED" or row.state == "SUSPENDED":
        return grant, Reason.SUBSCRIPTION_SUSPENDED
    return (grant, None) if grant.is_active(now_ms) else (grant, Reason.NO_SUBSCRIPTION)


def _by_customer(
    tenant: Tenant, asked: Asked, product: Product | None, now_ms: int
) -> tuple[Grant | None, Reason | None]:
    """The oldest ACTIVE subscription whose plan holds the product; without a product, the oldest with the metric."""
    grants = tenant.by_customer.get(asked.customer or "", ())
    active = [grant for grant in grants if grant.is_active(now_ms)]
    if not active:
        suspended = next((grant for grant in grants if grant.status == "SUSPENDED"), None)
        return suspended, Reason.SUBSCRIPTION_SUSPENDED if suspended else Reason.NO_SUBSCRIPTION
    if asked.product is None:
        return next((grant for grant in active if asked.metric in grant.terms.metrics), active[0]), None
    return next((grant for grant in active if _holds(grant, product)), active[0]), None


def _holds(grant: Grant, product: Product | None) -> bool:
    return product is not None and product.id in grant.terms.product_ids


def _leaves_out(tenant: Tenant, key: CredentialKey | None, product: Product | None) -> bool:
    """Whether the credential was narrowed to other products of its plan."""
    row = tenant.credentials.get(key) if key is not None else None
    return row is not None and product is not None and product.id in row.left_out


def _names(grant: Grant) -> tuple[str, str | None]:
    return grant.customer_id, grant.external_id


def _enforced(tenant: Tenant, asked: Asked, product: Product | None, grant: Grant | None) -> bool:
    """A product that is named decides, and one that nobody imported is observed. Without one a subscription is
    enforced when all products of its plan are; an unknown caller, as soon as any product of the tenant is.
    """
    if asked.product is not None:
        return product is not None and product.enforced
    if grant is None:
        return tenant.enforces_any
    return tenant.enforces_all_of(grant.terms)
