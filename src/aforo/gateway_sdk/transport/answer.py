"""What a gateway answered, and what its status means."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayChanged,
    GatewayError,
    GatewayForbidden,
    GatewayNotAnApi,
    GatewayNotFound,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from aforo.gateway_sdk.transport.hush import Hush
from aforo.gateway_sdk.transport.retry_after import retry_after_seconds

_READ_BYTES: Final = 1024 * 1024
"""How much of an answer is searched for the vendor's words; far more than is shown, so that no secret is cut apart."""
_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `headers` with lower-case names, the body whole.

    `certificate_until`: when the TLS certificate that the other side showed expires; None where there was no TLS.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_ms: float
    certificate_until: datetime | None = None

    def json(self) -> Any:
        """The body as JSON; raises GatewayNotAnApi when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as fault:
            raise not_an_api(self) from fault

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; raises GatewayNotAnApi when it is anything else."""
        value = self.json()
        if not isinstance(value, dict):
            raise not_an_api(self)
        return value


Judge = Callable[[Answer], GatewayError | None]
"""A connector's own reading of an answer: the error that it means, or None to go by its status."""


def verdict(
    name: str, method: str, answer: Answer, accept: Collection[int], hush: Hush, now: datetime
) -> GatewayError | None:
    """The error that a status stands for; None for any 2xx and for what the caller accepts."""
    if 200 <= answer.status < 300 or answer.status in accept:
        return None
    if 300 <= answer.status < 400:
        return not_an_api(answer, _one_line(hush(answer.headers.get("location", ""))) or "nowhere")
    return _fault(name, method, answer, _words(answer, hush), now)


def not_an_api(answer: Answer, leads_to: str = "elsewhere") -> GatewayNotAnApi:
    """Somebody else answers at this address. The words hold nothing of the answer but its kind and size."""
    if 300 <= answer.status < 400:
        what = f"a redirect to {leads_to}"
    elif _looks_like_html(answer):
        what = "an HTML page"
    else:
        what = f"{len(answer.body)} bytes that are not the JSON expected"
    return GatewayNotAnApi(
        f"The address answers {answer.status} with {what}, so it is not this gateway's management API.",
        next_step="Check the address: it must be that of the management (admin) API, not of a website or proxy.",
    )


def _fault(name: str, method: str, answer: Answer, words: str, now: datetime) -> GatewayError:
    status = answer.status
    if status == 401:
        return GatewayAuthFailed(
            f"{name} refused the credential (401): {words}. Nothing was changed.",
            next_step="Enter a valid credential and test again.",
        )
    if status == 403:
        return GatewayForbidden(
            f"{name} does not allow this call (403): {words}.",
            next_step="Give the credential the rights listed on the gateway's page in the docs, then test again.",
        )
    if status == 429:
        return GatewayThrottled(
            f"{name} asks us to slow down (429): {words}.",
            next_step="Aforo waits and tries again by itself.",
            retry_after_seconds=retry_after_seconds(answer.headers, now),
        )
    if status >= 500:
        return GatewayUnavailable(
            f"{name} answered {status}: {words}.",
            next_step="Try again later; whether a write took effect is read back at the next attempt."
            if method != "GET"
            else "Try again later.",
        )
    if _looks_like_html(answer):
        return not_an_api(answer)
    if status == 412:
        return GatewayChanged(
            f"The object has changed at {name} since it was read (412): {words}.",
            status=status,
            next_step="Read it again and look at the difference.",
        )
    if status == 404:
        return GatewayNotFound(f"{name} does not know this object (404): {words}.", status=status)
    return GatewayRejected(f"{name} refused the request ({status}): {words}.", status=status)


def _looks_like_html(answer: Answer) -> bool:
    start = answer.body[:200].lstrip().lower()
    return "html" in answer.headers.get("content-type", "") or start.startswith((b"<!doctype html", b"<html"))


def _words(answer: Answer, hush: Hush) -> str:
    """The vendor's own message, in one short line. It is hushed whole and cut after that."""
    if _looks_like_html(answer):
        return "an HTML page"
    text = answer.body[:_READ_BYTES].decode(errors="replace")
    with suppress(ValueError, RecursionError):
        text = _message(json.loads(answer.body)) or text
    return _one_line(hush(text)) or "no text"


def _message(value: object) -> str | None:
    if isinstance(value, dict):
        for key in ("message", "Message", "detail", "error_description", "error", "title"):
            found = value.get(key)
            if isinstance(found, str) and found:
                return found
            if isinstance(found, dict) and (inner := _message(found)):
                return inner
    return None


def _one_line(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text[:2000])
    return re.sub(r"\s+", " ", plain).strip().rstrip(".")[:_SHOWN]
