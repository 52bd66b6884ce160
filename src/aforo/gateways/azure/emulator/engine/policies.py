"""What each policy does to a call. A policy that is not in the list stops the call loudly."""

import ipaddress
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from aforo.gateways.azure.emulator.engine import NotEmulated
from aforo.gateways.azure.emulator.engine.members import Headers
from aforo.gateways.azure.emulator.engine.running import Message, PolicyFault, Returned, Run, response_thing
from aforo.gateways.azure.emulator.policy_text import Node

_BROKEN: Final = (OSError, TimeoutError)


async def run_all(nodes: Iterable[Node], run: Run) -> None:
    """One after another; comments and white space are nobody's."""
    for node in nodes:
        if node.tag:
            how = POLICIES.get(node.tag)
            if how is None:
                raise NotEmulated(f"the policy {node.tag}")
            await how(node, run)


async def section(name: str, run: Run) -> None:
    """A section of the innermost document; a document that lacks it says `base`."""
    run.section = name
    run.scope = -1
    await _base(Node("base"), run)


async def _base(node: Node, run: Run) -> None:
    del node
    before = run.scope
    run.scope += 1
    try:
        while run.scope < len(run.documents):
            document = run.documents[run.scope]
            found = next((one for one in document.children if one.tag == run.section), None) if document else None
            if found is not None:
                await run_all(found.children, run)
                return
            run.scope += 1
        if run.section == "backend":
            await _forward(Node("forward-request"), run)
    finally:
        run.scope = before


async def _choose(node: Node, run: Run) -> None:
    for branch in _elements(node):
        if branch.tag == "otherwise" or (branch.tag == "when" and run.value(_need(branch, "condition")) is True):
            await run_all(branch.children, run)
            return


async def _set_variable(node: Node, run: Run) -> None:
    run.variables[_need(node, "name")] = run.value(_need(node, "value"))


async def _set_header(node: Node, run: Run) -> None:
    _write_header(node, run, _target(run).headers)


async def _set_status(node: Node, run: Run) -> None:
    target = _answer(run)
    target.status, target.reason = int(run.said(_need(node, "code"))), run.said(node.attribute("reason") or "")


async def _set_body(node: Node, run: Run) -> None:
    _target(run).body = run.said(_inner(node))


async def _set_query(node: Node, run: Run) -> None:
    values = [run.said(_inner(value)) for value in _elements(node, "value")]
    if values:
        run.request.query[run.said(_need(node, "name"))] = values[-1]


async def _send_request(node: Node, run: Run) -> None:
    """Without an answer the variable is null where errors are ignored; else the call goes to on-error."""
    name = _need(node, "response-variable-name")
    try:
        answer = await run.around.send(_built(node, run), _seconds(node, run))
    except _BROKEN as fault:
        if run.said(node.attribute("ignore-error") or "false").lower() != "true":
            raise PolicyFault("send-request", "ConnectionFailure", 500, "Error occurred while sending.") from fault
        run.variables[name] = None
        return
    run.variables[name] = response_thing(answer)


async def _send_one_way(node: Node, run: Run) -> None:
    run.around.send_later(_built(node, run), _seconds(node, run))


async def _return_response(node: Node, run: Run) -> None:
    run.response = Message()
    for child in _elements(node):
        if child.tag == "set-header":
            _write_header(child, run, run.response.headers)
        elif child.tag == "set-status":
            await _set_status(child, run)
        elif child.tag == "set-body":
            run.response.body = run.said(_inner(child))
        else:
            raise NotEmulated(f"{child.tag} in return-response")
    raise Returned


async def _look_up(node: Node, run: Run) -> None:
    _knows(node, "key", "variable-name", "default-value", "caching-type")
    found = run.around.counters.look_up(run.said(_need(node, "key")))
    if found is None and (other := node.attribute("default-value")) is not None:
        found = run.value(other)
    if found is not None:
        run.variables[_need(node, "variable-name")] = found


async def _store(node: Node, run: Run) -> None:
    _knows(node, "key", "value", "duration", "caching-type")
    key, seconds = run.said(_need(node, "key")), float(run.said(_need(node, "duration")))
    run.around.counters.store(key, run.value(_need(node, "value")), seconds)


async def _remove(node: Node, run: Run) -> None:
    run.around.counters.remove(run.said(_need(node, "key")))


async def _rate_limit_by_key(node: Node, run: Run) -> None:
    """`increment-condition` may say that the call counts for nothing."""
    _knows(node, "calls", "renewal-period", "counter-key", "increment-condition", "remaining-calls-variable-name")
    seconds = int(run.said(_need(node, "renewal-period")))
    if seconds > 300:
        raise PolicyFault("rate-limit-by-key", "ConfigurationError", 500, "renewal-period: 300 seconds at most")
    counts = run.value(node.attribute("increment-condition") or "@(true)") is True
    await _limited(node, run, ("key", run.said(_need(node, "counter-key"))), seconds, adds=int(counts))


async def _rate_limit(node: Node, run: Run) -> None:
    whose = ("subscription", run.subscription_id, run.scope)
    await _limited(node, run, whose, int(run.said(_need(node, "renewal-period"))), adds=1)


async def _limited(node: Node, run: Run, whose: tuple[object, ...], seconds: int, *, adds: int) -> None:
    calls = int(run.said(_need(node, "calls")))
    count, wait = run.around.counters.in_window(whose, seconds, adds)
    if name := node.attribute("remaining-calls-variable-name"):
        run.variables[name] = max(0, calls - count)
    if count > calls and adds:
        run.around.counters.take_back(whose)
        again = math.ceil(wait)
        words = f"Rate limit is exceeded. Try again in {again} seconds."
        raise PolicyFault(node.tag, "RateLimitExceeded", 429, words, **{"retry-after": str(again)})


async def _quota(node: Node, run: Run) -> None:
    calls, seconds = int(_need(node, "calls")), int(_need(node, "renewal-period"))
    count, wait = run.around.counters.in_period(("quota", run.subscription_id), seconds)
    if count > calls:
        words = f"Out of call volume quota. Quota will be replenished in {timedelta(seconds=math.ceil(wait))}."
        raise PolicyFault("quota", "QuotaExceeded", 403, words, **{"retry-after": str(math.ceil(wait))})


async def _include(node: Node, run: Run) -> None:
    await run_all(run.around.fragment(_need(node, "fragment-id")), run)


async def _check_header(node: Node, run: Run) -> None:
    name = run.said(_need(node, "name"))
    value = run.request.headers.get(name.lower())
    allowed = [run.said(_inner(one)) for one in _elements(node, "value")]
    cares = (node.attribute("ignore-case") or "false").lower() != "true"
    known = allowed if cares else [one.lower() for one in allowed]
    if value is None or (allowed and (value if cares else value.lower()) not in known):
        status = int(run.said(_need(node, "failed-check-httpcode")))
        reason = "HeaderNotFound" if value is None else "HeaderValueNotAllowed"
        raise PolicyFault("check-header", reason, status, run.said(_need(node, "failed-check-error-message")))


async def _ip_filter(node: Node, run: Run) -> None:
    caller = ipaddress.IPv4Address("127.0.0.1")
    ranges = [(run.said(_need(one, "from")), run.said(_need(one, "to"))) for one in _elements(node, "address-range")]
    ranges += [(run.said(_inner(one)),) * 2 for one in _elements(node, "address")]
    found = any(ipaddress.IPv4Address(first) <= caller <= ipaddress.IPv4Address(last) for first, last in ranges)
    if found != (_need(node, "action") == "allow"):
        raise PolicyFault("ip-filter", "CallerIpNotAllowed", 403, "Caller IP address 127.0.0.1 is not allowed.")


async def _cors(node: Node, run: Run) -> None:
    """A preflight is answered here; other calls pass, and learn their header at the end."""
    origins = [run.said(_inner(one)) for group in _elements(node, "allowed-origins") for one in _elements(group)]
    origin = run.request.headers.get("origin")
    if origin is None or not {origin, "*"} & set(origins):
        return
    if run.request.method == "OPTIONS" and "access-control-request-method" in run.request.headers:
        run.response = Message(Headers({"access-control-allow-origin": origin}))
        raise Returned
    run.variables["(cors)"] = origin


async def _forward(node: Node, run: Run) -> None:
    del node
    run.response = await run.around.backend(run)


async def _backend_service(node: Node, run: Run) -> None:
    run.backend_url = run.said(_need(node, "base-url"))


async def _rewrite(node: Node, run: Run) -> None:
    run.request.path = run.said(_need(node, "template"))


async def _nothing(node: Node, run: Run) -> None:
    """It leaves no trace in what the caller or the backend sees."""
    del node, run


POLICIES: Final[Mapping[str, Callable[[Node, Run], Awaitable[None]]]] = {
    "base": _base, "choose": _choose, "set-variable": _set_variable, "set-header": _set_header,
    "set-status": _set_status, "set-body": _set_body, "set-query-parameter": _set_query,
    "send-request": _send_request, "send-one-way-request": _send_one_way, "return-response": _return_response,
    "cache-lookup-value": _look_up, "cache-store-value": _store, "cache-remove-value": _remove,
    "rate-limit-by-key": _rate_limit_by_key, "rate-limit": _rate_limit, "quota": _quota,
    "include-fragment": _include, "check-header": _check_header, "ip-filter": _ip_filter, "cors": _cors,
    "forward-request": _forward, "set-backend-service": _backend_service, "rewrite-uri": _rewrite, "trace": _nothing,
}  # fmt: skip
"""The closed list of policies."""


def _target(run: Run) -> Message:
    """Before the backend a policy changes the request, afterwards the answer."""
    return run.request if run.section in ("inbound", "backend") else _answer(run)


def _answer(run: Run) -> Message:
    if run.response is None:
        run.response = Message()
    return run.response


def _write_header(node: Node, run: Run, headers: Headers) -> None:
    """What `exists-action` says counts where the header is there; override is the default."""
    name, action = run.said(_need(node, "name")).lower(), node.attribute("exists-action") or "override"
    values = [run.said(_inner(one)) for one in _elements(node, "value")]
    if action == "delete":
        headers.pop(name, None)
    elif action == "append" and name in headers:
        headers[name] = ",".join((headers[name], *values))
    elif action == "override" or name not in headers:
        headers[name] = ",".join(values)


def _built(node: Node, run: Run) -> Message:
    """A request of its own; `mode="copy"` would begin with the caller's."""
    if (node.attribute("mode") or "new") != "new":
        raise NotEmulated(f"{node.tag} with mode copy")
    built = Message()
    for child in _elements(node):
        if child.tag == "set-header":
            _write_header(child, run, built.headers)
        elif child.tag == "set-url":
            built.url = run.said(_inner(child))
        elif child.tag == "set-method":
            built.method = run.said(_inner(child))
        elif child.tag == "set-body":
            built.body = run.said(_inner(child))
        else:
            raise NotEmulated(f"{child.tag} in {node.tag}")
    return built


def _seconds(node: Node, run: Run) -> float:
    return float(run.said(node.attribute("timeout") or "60"))


def _inner(node: Node) -> str:
    return "".join(child.text for child in node.children if not child.tag and not child.text.startswith("<!--")).strip()


def _elements(node: Node, tag: str = "") -> Sequence[Node]:
    return [child for child in node.children if child.tag and (not tag or child.tag == tag)]


def _knows(node: Node, *names: str) -> None:
    """Attributes beyond these would be passed over. There is the built-in cache alone, whoever prefers another."""
    beyond = [name for name, _ in node.attributes if name not in names]
    if beyond or node.attribute("caching-type") == "external":
        raise NotEmulated(f"{node.tag} with {beyond[0] if beyond else 'an external cache'}")


def _need(node: Node, name: str) -> str:
    value = node.attribute(name)
    if value is None:
        raise NotEmulated(f"{node.tag} without {name}")
    return value
