"""AWS's error codes, sorted by what to do next.

Source: the common-errors page of each service, and "Throttling" and "Signature" codes of SigV4. The status alone does
not tell: an expired token is a 403 here and a 400 there, a quota that is full a 429.
"""

import re
from typing import Final

from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayClockSkew,
    GatewayError,
    GatewayForbidden,
    GatewayNotAnApi,
    GatewayNotFound,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)

_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
_UNKNOWN_KEY: Final = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClient", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}
)
_SIGNATURE: Final = frozenset(
    {"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature", "IncompleteSignature"}
)
_CLOCK: Final = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
_FORBIDDEN: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "ForbiddenException", "UnauthorizedOperation", "OptInRequired"}
)
_THROTTLED: Final = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded"}
)
_NOT_FOUND: Final = frozenset(
    {"NotFoundException", "ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}
)
_NOT_SIGNED: Final = frozenset({"MissingAuthenticationToken", "MissingAuthenticationTokenException"})
_OUTSIDE_THE_WINDOW: Final = re.compile(r"expired|not yet current|earlier than|later than", re.IGNORECASE)


def fault(code: str, words: str, status: int, retry_after_seconds: float = 1.0) -> GatewayError | None:
    """The error that a code means; None where the status says it all.

    `words` must be free of secrets. A refused signature's words are left out: they quote the signed headers, and the
    session token is one of them.
    """
    if code in _CLOCK or (code in _SIGNATURE and _OUTSIDE_THE_WINDOW.search(words)):
        return GatewayClockSkew(
            f"AWS refused the request as signed at the wrong time ({code}). Nothing was changed.",
            next_step="Set this machine's clock (NTP): AWS allows five minutes of difference.",
        )
    if found := _credential_fault(code, status):
        return found
    text = re.sub(r"\s+", " ", words).strip().rstrip(".")[:300] or code
    if code in _FORBIDDEN:
        return GatewayForbidden(
            f"AWS does not allow this call ({code}): {text}.",
            next_step="Give the role or user the rights listed on the AWS page in the docs, then test again.",
        )
    if code in _THROTTLED or (status == 429 and code == "LimitExceededException"):
        return GatewayThrottled(
            f"AWS asks us to slow down ({code}): {text}.",
            next_step="Aforo waits and tries again by itself; other automation in the account shares the same limits.",
            retry_after_seconds=retry_after_seconds,
        )
    return _by_status(code, text, status)


def _credential_fault(code: str, status: int) -> GatewayError | None:
    if code in _EXPIRED:
        return GatewayAuthFailed(
            "AWS says that the session has expired. Nothing was changed.",
            next_step="Enter new temporary keys with their session token, or connect with a role, which renews itself.",
        )
    if code in _UNKNOWN_KEY:
        return GatewayAuthFailed(
            f"AWS does not know this access key ({code}). Nothing was changed.",
            next_step="Check the access key ID: it may be deleted, inactive, or temporary without its session token.",
        )
    if code in _SIGNATURE:
        return GatewayAuthFailed(
            f"AWS refused the signature ({code}): the secret access key does not belong to the access key ID.",
            next_step="Enter both parts of the key again, without spaces around them.",
        )
    if code in _NOT_SIGNED:
        return GatewayNotAnApi(
            f"The address answers {status} as an API deployed on API Gateway does for an unknown path, not as its "
            "management API.",
            next_step="Leave the endpoint empty, or give that of the management API, not that of a deployed API.",
        )
    return None


def _by_status(code: str, text: str, status: int) -> GatewayError | None:
    if status == 404 or code in _NOT_FOUND:
        return GatewayNotFound(f"AWS does not know this object ({code}): {text}.", status=status)
    if status >= 500:
        return GatewayUnavailable(
            f"AWS answered {status} ({code}): {text}.",
            next_step="Try again later; whether a write took effect is read back at the next attempt.",
        )
    if 400 <= status < 500:
        return GatewayRejected(f"AWS refused the request ({code}): {text}.", status=status)
    return None
