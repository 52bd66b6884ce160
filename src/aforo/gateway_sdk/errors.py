"""What can go wrong between Aforo and a gateway, sorted by what to do next.

`counts_for_breaker`: the gateway itself seems to be down. `counts_for_health`: the operator should see it on the
health line. A call that the breaker held back counts for neither.
"""

from typing import ClassVar, Final

from aforo.kit.errors import AforoError


class GatewayError(AforoError):
    """A call to a gateway did not do what it was to do."""

    code = "gateway_error"
    counts_for_breaker: ClassVar[bool] = False
    counts_for_health: ClassVar[bool] = True


class GatewayUnavailable(GatewayError):
    """No answer, or a 5xx. Try again later."""

    code = "gateway_unavailable"
    counts_for_breaker = True


class GatewayUnreachable(GatewayUnavailable):
    """The name does not resolve, or nothing listens there."""

    code = "gateway_unreachable"


class GatewayTimeout(GatewayUnavailable):
    """It listens, but did not answer in time. Whether a write took effect is not known."""

    code = "gateway_timeout"


class GatewayThrottled(GatewayError):
    """429: too many calls. Wait `retry_after_seconds`, then the same call again."""

    code = "gateway_throttled"

    def __init__(self, detail: str, *, next_step: str | None = None, retry_after_seconds: float = 1.0) -> None:
        super().__init__(detail, next_step=next_step)
        self.retry_after_seconds = retry_after_seconds


class GatewayTlsFailed(GatewayError):
    """The certificate is not trusted, has expired, or is for another host. No secret was sent."""

    code = "gateway_tls_failed"


class GatewayAuthFailed(GatewayError):
    """401: our credential is refused. Retrying cannot help: reconnect."""

    code = "gateway_auth_failed"


class GatewayForbidden(GatewayError):
    """403: known, but without the right for this call."""

    code = "gateway_forbidden"


class GatewayNotAnApi(GatewayError):
    """It answered, but not as this gateway's management API does (HTML, or no JSON): probably a wrong address."""

    code = "gateway_not_an_api"


class GatewayRejected(GatewayError):
    """The gateway understood and said no (4xx); its words are in `detail`. `status` is its HTTP status."""

    code = "gateway_rejected"
    counts_for_health = False

    def __init__(self, detail: str, *, status: int, next_step: str | None = None) -> None:
        super().__init__(detail, next_step=next_step)
        self.status = status


class GatewayNotFound(GatewayRejected):
    """404 for an object that was to be there."""

    code = "gateway_not_found"


class GatewayChanged(GatewayRejected):
    """412: somebody changed the object between our plan and our write. Read again, look, then decide."""

    code = "gateway_changed"


class GatewayClockSkew(GatewayError):
    """The request's signature or token is outside the gateway's time window: one of the two clocks is wrong."""

    code = "gateway_clock_skew"


class GatewayUnsafeRole(GatewayError):
    """The role can be assumed without our ExternalId or with a wrong one, so other customers of Aforo could use it."""

    code = "gateway_unsafe_role"


class TargetRefused(GatewayError):
    """Aforo does not call this address: a metadata or link-local one, or a private one where that is not allowed."""

    code = "target_refused"


class BreakerOpen(GatewayError):
    """Held back without a call, since the gateway failed repeatedly. `retry_after_seconds` until the probe."""

    code = "breaker_open"
    counts_for_health = False

    def __init__(self, detail: str, *, next_step: str | None = None, retry_after_seconds: float = 0.0) -> None:
        super().__init__(detail, next_step=next_step)
        self.retry_after_seconds = retry_after_seconds


class PostconditionFailed(GatewayError):
    """The write was accepted, but reading back does not show it."""

    code = "postcondition_failed"


UNSAFE_CODES: Final = frozenset({GatewayUnsafeRole.code})
"""A connection test that ends with one of these says: using this connection would harm somebody."""
