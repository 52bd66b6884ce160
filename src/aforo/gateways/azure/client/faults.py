"""Resource Manager's refusals in our words: what is wrong often stands in the details alone."""

import json
from collections.abc import Collection
from typing import Any, Final

from aforo.gateway_sdk.errors import (
    GatewayChanged,
    GatewayError,
    GatewayForbidden,
    GatewayNotAnApi,
    GatewayNotFound,
    GatewayRejected,
)
from aforo.gateway_sdk.transport import Answer

Row = dict[str, Any]
_ROLE_STEP: Final = (
    "Give the app the role API Management Service Contributor on the service (or Reader Role, to discover only), wait "
    "some minutes, then test again."
)
_PLACES: Final = {
    "SubscriptionNotFound": "Check the subscription id, and that the app has a role there.",
    "InvalidSubscriptionId": "Check the subscription id: it is a GUID.",
    "ResourceGroupNotFound": "Check the resource group's name.",
}


class Judge:
    """Reads an answer to a call that carried this token, which must not get into an error's words."""

    def __init__(self, token: str, accepted: Collection[int]) -> None:
        self._token = token
        self._accepted = accepted

    def verdict(self, answer: Answer) -> GatewayError | None:
        """Statuses that say the same everywhere are left to the transport."""
        if answer.status < 400 or answer.status in self._accepted:
            return None
        if self._token.encode() in answer.body:
            return GatewayNotAnApi(
                f"The address answers {answer.status} and repeats our token, so it is not Azure Resource Manager.",
                next_step="Check the Resource Manager address, and make a new client secret.",
            )
        error = _error(answer)
        return _fault(answer.status, error) if error else None


def words(error: Row) -> str:
    """The message with those of its details, in one line."""
    details = error.get("details")
    inner = (
        [str(one.get("message") or "") for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    )
    text = " ".join(part.strip() for part in (str(error.get("message") or error.get("code") or ""), *inner) if part)
    return " ".join(text.split()).rstrip(".")[:400]


def _fault(status: int, error: Row) -> GatewayError | None:
    told, code = words(error), str(error.get("code"))
    if status == 403:
        return GatewayForbidden(f"Azure does not allow this call (403): {told}.", next_step=_ROLE_STEP)
    if status == 404:
        return GatewayNotFound(f"Azure does not know this ({code}): {told}.", status=404, next_step=_PLACES.get(code))
    if status == 412:
        return GatewayChanged(
            f"The object has changed in Azure since it was read (412): {told}.",
            status=412,
            next_step="Read it again and look at the difference.",
        )
    if status in (400, 409, 422, 428):
        return GatewayRejected(f"Azure refused the request ({status} {code}): {told}.", status=status)
    return None


def _error(answer: Answer) -> Row | None:
    try:
        told = json.loads(answer.body)
    except (ValueError, UnicodeDecodeError):
        return None
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) else None
