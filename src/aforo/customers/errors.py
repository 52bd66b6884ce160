"""What can stand in the way of selling."""

from aforo.kit.errors import Conflict


class ExternalIdTaken(Conflict):
    """Another customer of the tenant has this external id."""

    code = "external_id_taken"


class CustomerInUse(Conflict):
    """The customer still has subscriptions that are not cancelled."""

    code = "customer_in_use"


class MetricTaken(Conflict):
    """There is a metric of this name already."""

    code = "metric_taken"


class MetricInUse(Conflict):
    """A plan or a cost rule names this metric."""

    code = "metric_in_use"


class PlanKeyTaken(Conflict):
    """Another plan of the tenant has this key."""

    code = "plan_key_taken"


class PlanPublished(Conflict):
    """A published version is what customers bought; it never changes."""

    code = "plan_published"


class PlanDraftExists(Conflict):
    """There is a draft already: it is edited or published before another one begins."""

    code = "plan_draft_exists"


class PlanInUse(Conflict):
    """Subscriptions pin this plan, be they live or cancelled."""

    code = "plan_in_use"


class SubscriptionState(Conflict):
    """The subscription's state does not allow this."""

    code = "subscription_state"


class GuardExists(Conflict):
    """This scope has a margin guard already."""

    code = "margin_guard_exists"
