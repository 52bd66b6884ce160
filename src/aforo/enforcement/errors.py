"""What can go wrong on the hot path, apart from a plain "no", which is a value."""

from aforo.kit.errors import Conflict, NotFound, Overloaded


class NotReady(Overloaded):
    """The grants have not been read yet."""

    code = "not_ready"


class LedgerUnavailable(Overloaded):
    """Units could not be made durable, so none were given out."""

    code = "ledger_unavailable"


class NoDecision(NotFound):
    """Not a decision of this tenant."""

    code = "not_found"


class LeaseOver(Conflict):
    """The lease was settled for good before, with another figure."""

    code = "lease_settled"
