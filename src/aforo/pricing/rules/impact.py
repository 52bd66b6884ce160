"""What a plan at a gateway touches."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from aforo.catalog import Impact
from aforo.customers import EXACT, Grant, fixed_fees, payable, priced


def impact(grants: Sequence[Grant], currency: str, live_credentials: Mapping[str, int]) -> Impact:
    """Subscriptions, their live credentials, and the fees a month; no sum where no version of theirs has a fee."""
    fees = [fixed_fees(priced(grant.plan.terms.rate_card)) for grant in grants]
    keys = sum(live_credentials.get(grant.subscription_id, 0) for grant in grants)
    if grants and all(fee is None for fee in fees):
        return Impact(len(grants), keys)
    revenue = Decimal(0)
    for fee in fees:
        revenue = EXACT.add(revenue, fee or Decimal(0))
    return Impact(len(grants), keys, f"{payable(revenue, currency):f}", currency)
