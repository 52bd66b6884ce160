"""ServiceCallout over HTTP. Without a Response nobody waits for the answer, and nothing that goes wrong is noticed.

An answer of 4xx or 5xx is a fault unless the property `success.codes` names it. As documented, the protocol of the
address cannot come from a variable.
"""

import re
from typing import Any, Final

import httpx2

from ..bundle import Bundle, Element, Policy
from ..faults import Fault
from ..machine import Background, Call
from ..messages import Message
from ..surroundings import Surroundings
from ..templates import fill
from .messages import put

_FAILED: Final = "steps.servicecallout.ExecutionFailed"
_SECONDS: Final = 55.0


class Callouts:
    def __init__(self, around: Surroundings, background: Background) -> None:
        self._around = around
        self._background = background

    async def run(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        del bundle
        told = self._told(policy, call)
        response = policy.value("Response")
        if not response:
            self._background.start(self._around.http(**told))
            return
        try:
            answer = await self._around.http(**told)
        except httpx2.HTTPError as fault:
            raise Fault(_FAILED, f"Execution of ServiceCallout {policy.name} failed: {type(fault).__name__}") from None
        message = Message(status=answer.status_code, headers=dict(answer.headers), content=answer.text)
        call.flow.messages[response] = message
        if not _succeeds(policy, answer.status_code):
            raise Fault(_FAILED, f"Execution of ServiceCallout {policy.name} failed: {answer.status_code}")

    def _told(self, policy: Policy, call: Call) -> dict[str, Any]:
        connection = policy.element.find("HTTPTargetConnection")
        address = (connection.findtext("URL") or "").strip()
        if not re.match(r"https?://", address):
            raise Fault(_FAILED, "The protocol of the URL has to be written out")
        message = _request(policy.element.find("Request"), call)
        verifies = connection.findtext("SSLInfo/Enforce") == "true"
        return {
            "method": message.verb,
            "url": fill(address, call.flow),
            "headers": message.headers,
            "content": message.content,
            "seconds": float(policy.value("Timeout") or _SECONDS * 1000) / 1000,
            "verifies": verifies,
        }


def _request(element: Element, call: Call) -> Message:
    """A message that the policy names, else a new one, with what the policy sets."""
    named = element.get("variable") if element is not None else None
    message = call.flow.messages.get(named, Message()) if named else Message()
    if element is not None:
        ignores = (element.findtext("IgnoreUnresolvedVariables") or "").strip() == "true"
        for part in element.findall("Set"):
            put(part, message, call.flow, ignores=ignores)
    return message


def _succeeds(policy: Policy, status: int) -> bool:
    told = policy.element.findtext("HTTPTargetConnection/Properties/Property[@name='success.codes']")
    codes = [one.strip().lower() for one in told.split(",")] if told else ["1xx", "2xx", "3xx"]
    return str(status) in codes or f"{status // 100}xx" in codes
