"""Every expected failure as RFC 9457 `application/problem+json`: the one table from kinds of error to status."""

import logging
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException

from aforo.accounts.errors import TooManyTries
from aforo.app.live.routes import TooManyStreams
from aforo.app.storage_faults import storage_fault
from aforo.catalog.errors import RestoreIncomplete
from aforo.catalog.views import step_view, to_json
from aforo.gateway_sdk.errors import (
    BreakerOpen,
    GatewayChanged,
    GatewayError,
    GatewayThrottled,
    TargetRefused,
)
from aforo.kit.errors import (
    AforoError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    TooLarge,
    Unauthenticated,
    Unreadable,
)
from aforo.usage.errors import UnsupportedMedia

_STATUS: Final[tuple[tuple[type[AforoError], int, str], ...]] = (
    (UnsupportedMedia, 415, "Unsupported media type"),
    (Unreadable, 400, "Unreadable request"),
    (Unauthenticated, 401, "Not signed in"),
    (Forbidden, 403, "Not allowed"),
    (NotFound, 404, "Not found"),
    (GatewayChanged, 412, "Changed at the gateway"),
    (Conflict, 409, "Conflict"),
    (TooLarge, 413, "Too large"),
    (Invalid, 422, "Invalid"),
    (TargetRefused, 422, "Address refused"),
    (TooManyTries, 429, "Too many tries"),
    (TooManyStreams, 429, "Too many live streams"),
    (Overloaded, 503, "Overloaded"),
    (BreakerOpen, 503, "Calls to this gateway are held back"),
    (GatewayThrottled, 503, "The gateway asks us to slow down"),
    (GatewayError, 502, "The gateway did not do it"),
)
_CODES: Final = {400: "unreadable", 404: "not_found", 405: "method_not_allowed", 415: "unsupported_media_type"}

log = logging.getLogger(__name__)


class HttpProblem(AforoError):
    """What the router says by itself: no such path, or not with this method."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(f"{title}.")
        self.status = status
        self.title = title


def problem(fault: Exception, instance: str | None = None) -> dict[str, Any]:
    """The body for any failure; an unexpected one says no more than that it happened."""
    fault = storage_fault(fault) or fault
    if not isinstance(fault, AforoError):
        return {
            "type": "about:blank",
            "title": "Internal error",
            "status": 500,
            "detail": "Aforo failed while working on this. Nothing is known to have been changed. It has been logged.",
            "code": "internal",
            **({"instance": instance} if instance else {}),
        }
    status, title = _status(fault)
    code = _CODES.get(status, f"http_{status}") if isinstance(fault, HttpProblem) else fault.code
    body: dict[str, Any] = {
        "type": f"urn:aforo:problem:{code}",
        "title": title,
        "status": status,
        "detail": str(fault),
        "code": code,
    }
    if instance:
        body["instance"] = instance
    if isinstance(fault, Invalid):
        body["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in fault.faults]
    if isinstance(fault, RestoreIncomplete):
        body["steps"] = [to_json(step_view(step)) for step in fault.steps]
    return body


Fail = Callable[[Request, Exception], Response]


def install(app: FastAPI, fail: Fail) -> None:
    """Give every failure of the app to `fail`, as one of our errors where it is one that is expected."""

    async def expected(request: Request, fault: Exception) -> Response:
        return fail(request, fault)

    async def invalid(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, RequestValidationError)  # noqa: S101  Starlette hands over what it was registered for
        return fail(request, _from_validation(fault))

    async def http(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)  # noqa: S101  as above
        return fail(request, HttpProblem(fault.status_code, str(fault.detail)))

    async def stored(request: Request, fault: Exception) -> Response:
        told = storage_fault(fault)
        return fail(request, told) if told else await unexpected(request, fault)

    async def unexpected(request: Request, fault: Exception) -> Response:
        log.error("unexpected failure on %s %s", request.method, request.url.path, exc_info=fault)
        return fail(request, fault)

    app.add_exception_handler(AforoError, expected)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    for kind in (DBAPIError, NoConnection):
        app.add_exception_handler(kind, stored)
    app.add_exception_handler(Exception, unexpected)


def answer(fault: Exception, instance: str | None = None) -> JSONResponse:
    """The whole answer, with the headers that go with it."""
    body = problem(fault, instance)
    headers = {}
    if isinstance(fault, Overloaded | BreakerOpen | GatewayThrottled):
        headers["Retry-After"] = str(max(1, round(fault.retry_after_seconds)))
    if isinstance(fault, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, body["status"], headers=headers, media_type="application/problem+json")


def status_of(kind: type[AforoError]) -> tuple[int, str]:
    """The status and title that every fault of this kind is answered with."""
    for one, status, title in _STATUS:
        if issubclass(kind, one):
            return status, title
    return 500, "Internal error"


def _status(fault: AforoError) -> tuple[int, str]:
    return (fault.status, fault.title) if isinstance(fault, HttpProblem) else status_of(type(fault))


def _from_validation(fault: RequestValidationError) -> AforoError:
    if any(error["type"] == "json_invalid" for error in fault.errors()):
        return Unreadable("The body is not JSON.", next_step="Send a JSON object.")
    faults = tuple(
        ("/" + "/".join(str(part) for part in error["loc"] if part != "body"), str(error["msg"]))
        for error in fault.errors()
    )
    return Invalid("The request is not valid.", faults, next_step="Correct the members named.")
