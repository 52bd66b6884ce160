"""AssignMessage, RaiseFault and ExtractVariables: what they change of messages and variables."""

import json
import re
from collections.abc import Iterator
from typing import Any

from ..bundle import Bundle, Element, Policy
from ..faults import Fault
from ..machine import Call
from ..messages import Message, Variables, text
from ..templates import fill


async def assign(policy: Policy, bundle: Bundle, call: Call) -> None:
    """Change the message that AssignTo names, else the current one, and variables, in the order of the elements."""
    del bundle
    ignores = policy.is_true("IgnoreUnresolvedVariables")
    target = policy.element.find("AssignTo")
    named = (target.text or "").strip() if target is not None else ""
    created = target is not None and target.get("createNew", "false") == "true"
    name = named or call.flow.current
    if created or name not in call.flow.messages:
        call.flow.messages[name] = Message()
    message = call.flow.messages[name]
    for part in policy.element:
        if part.tag == "Remove":
            for header in part.findall("Headers/Header"):
                message.remove_header(header.get("name"))
        elif part.tag in ("Add", "Set"):
            put(part, message, call.flow, ignores=ignores)
        elif part.tag == "AssignVariable":
            call.flow.set(*_assigned(part, call.flow, ignores=ignores))


async def raise_fault(policy: Policy, bundle: Bundle, call: Call) -> None:
    del bundle
    message = Message(status=500, reason="Fault Raised")
    ignores = policy.is_true("IgnoreUnresolvedVariables")
    for part in policy.element.findall("FaultResponse/Set"):
        put(part, message, call.flow, ignores=ignores)
    raise Fault("steps.raisefault.RaiseFault", "Raising fault", message=message)


def put(part: Element, message: Message, flow: Variables, *, ignores: bool) -> None:
    """What an Add or Set holds."""
    for header in part.findall("Headers/Header"):
        message.set_header(header.get("name"), fill(header.text or "", flow, ignore_unresolved=ignores))
    for one in part.findall("QueryParams/QueryParam"):
        message.query[one.get("name")] = fill(one.text or "", flow, ignore_unresolved=ignores)
    for tag, name in (("Verb", "verb"), ("StatusCode", "status.code"), ("ReasonPhrase", "reason.phrase")):
        if part.find(tag) is not None:
            message.set(name, fill((part.findtext(tag) or "").strip(), flow, ignore_unresolved=ignores))
    payload = part.find("Payload")
    if payload is not None:
        message.content = fill((payload.text or "").strip(), flow, ignore_unresolved=ignores)
        if payload.get("contentType"):
            message.set_header("Content-Type", payload.get("contentType"))


def _assigned(variable: Element, flow: Variables, *, ignores: bool) -> tuple[str, Any]:
    """By template, else by reference, else by value."""
    name = (variable.findtext("Name") or "").strip()
    if variable.find("Template") is not None:
        return name, fill(variable.findtext("Template") or "", flow, ignore_unresolved=ignores)
    reference = variable.findtext("Ref")
    known = flow.get(reference.strip()) if reference else None
    value = known if known is not None else variable.findtext("Value")
    if value is None and not ignores:
        raise Fault("steps.assignmessage.UnresolvedVariable", f"Unable to resolve variable {reference}")
    return name, value


async def extract(policy: Policy, bundle: Bundle, call: Call) -> None:
    """URI paths, headers, query parameters and JSON. What does not match sets nothing."""
    del bundle
    source = policy.value("Source", call.flow.current)
    message = call.flow.messages.get(source)
    if message is None:
        raise Fault("steps.extractvariables.SourceMessageNotAvailable", f"{source} message is not available")
    prefix = policy.value("VariablePrefix")
    for name, value in _extracted(policy, message, call.path):
        call.flow.set(f"{prefix}.{name}" if prefix else name, value)


def _extracted(policy: Policy, message: Message, path: str) -> Iterator[tuple[str, Any]]:
    for pattern in policy.element.findall("URIPath/Pattern"):
        yield from _matched(pattern.text, path)
    for tag, kind in (("Header", "header"), ("QueryParam", "queryparam")):
        for one in policy.element.findall(tag):
            for pattern in one.findall("Pattern"):
                yield from _matched(pattern.text, text(message.get(f"{kind}.{one.get('name')}")))
    told = _json(message.content) if policy.element.find("JSONPayload") is not None else None
    for variable in policy.element.findall("JSONPayload/Variable"):
        found = _at(told, (variable.findtext("JSONPath") or "").strip())
        if found is not None:
            yield variable.get("name"), found


def _matched(pattern: str, value: str) -> Iterator[tuple[str, str]]:
    """`{name}` takes a part of a path, or the rest at the end."""
    names = re.findall(r"\{(\w+)\}", pattern)
    expression = re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(pattern))
    found = re.fullmatch(expression, value)
    yield from zip(names, found.groups(), strict=True) if found else ()


def _json(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise Fault("steps.extractvariables.ExecutionFailed", "The payload is no JSON") from None


def _at(told: Any, path: str) -> Any:
    """Members and numbers of a path such as `$.items[0].id`."""
    for member, number in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        try:
            told = told[member] if member else told[int(number)]
        except (KeyError, IndexError, TypeError):
            return None
    return told
