"""Gateway responses of a REST API, and the `$context` variables that they and access logs are made of. Pure.

Only plain substitution, as in API Gateway's gateway responses: no velocity directives. A variable that says nothing is
an empty text in a response and `-` in an access log.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from aforo.gateways.aws.emulator.region import Record
from aforo.gateways.aws.emulator.wire import Answer

Context = dict[str, Any]
"""Nested as its variables' names are: `{"authorizer": {"principalId": …}}`."""

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.-]*[A-Za-z0-9_-])|\$\{context\.([A-Za-z0-9_.-]+)\}")
_STOCK: Mapping[str, tuple[int, str | None, str]] = {
    "ACCESS_DENIED": (403, "User is not authorized to access this resource", "AccessDeniedException"),
    "UNAUTHORIZED": (401, "Unauthorized", "UnauthorizedException"),
    "INVALID_API_KEY": (403, "Forbidden", "ForbiddenException"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
    "QUOTA_EXCEEDED": (429, "Limit Exceeded", "LimitExceededException"),
    "AUTHORIZER_FAILURE": (500, None, "AuthorizerFailureException"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, None, "AuthorizerConfigurationException"),
}
"""Type → (status, words, x-amzn-errortype)."""


def refused(
    deployed: Record, kind: str, context: Context, headers: Mapping[str, str], words: str | None = None
) -> Answer:
    """The answer of this type as the API has it, else as API Gateway does by itself. Completes `context`."""
    status, stock, error = _STOCK[kind]
    message = words or stock
    context["error"] = {
        "responseType": kind,
        "message": message or "",
        "messageString": json.dumps(message),
    }
    told = deployed["responses"].get(kind) or deployed["responses"].get(f"DEFAULT_{status // 100}XX") or {}
    template = (told.get("responseTemplates") or {}).get("application/json", '{"message":$context.error.messageString}')
    sent = {"content-type": "application/json", "x-amzn-errortype": error}
    for name, source in (told.get("responseParameters") or {}).items():
        value = _mapped(source, context, headers)
        if value:
            sent[name.removeprefix("gatewayresponse.header.").lower()] = value
    return Answer(int(told.get("statusCode") or status), filled(template, context, missing="").encode(), sent)


def filled(template: str, context: Context, missing: str) -> str:
    """The template with its variables replaced."""
    return _VARIABLE.sub(lambda found: _said(context, found[1] or found[2], missing), template)


def _mapped(source: str, context: Context, headers: Mapping[str, str]) -> str:
    """What a header of a gateway response is mapped from: a text in quotes, the request, or the context."""
    if source.startswith("'"):
        return source.strip("'")
    if source.startswith("context."):
        return _said(context, source.removeprefix("context."), "")
    if source.startswith("method.request.header."):
        return headers.get(source.removeprefix("method.request.header.").lower(), "")
    return ""


def _said(context: Context, name: str, missing: str) -> str:
    here: Any = context
    for part in name.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return missing if here is None or here == "" else str(here)
