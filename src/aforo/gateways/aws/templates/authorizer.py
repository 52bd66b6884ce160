"""Aforo's Lambda authorizer for API Gateway: may this call be made, and by whom?

For REST APIs (REQUEST, payload 1.0) and HTTP APIs (1.0 and 2.0). Runs on python3.12 and later with the standard library
alone. The caller is whoever presents a key that Aforo knows by its SHA-256; no other header is believed. Every call is
asked for at Aforo's edge, unless leases are on. Settings, as variables of the function:

AFORO_EDGE_URL        https://ingest.example.com, without a path
AFORO_API_KEY         a key with usage:ingest and entitlements:check
AFORO_INTEGRATION_ID  int_…
AFORO_PRODUCTS        {"<api id>/<stage>": ["prod_…", "<metric>"]}; a stage that is not named passes unasked
AFORO_KEY_FROM        bearer,header:x-api-key,query:apikey in the order of trying
AFORO_EXCLUDED        paths within a stage that pass unasked, with all beneath them, as a JSON list
AFORO_ENFORCE         true: refuse; false: only observe, every call passes
AFORO_FAIL_MODE       open or closed: what to do while Aforo cannot be reached
AFORO_TIMEOUT_MS      how long to wait for Aforo; 1000 unless set
AFORO_LEASES          how many units to take in advance for a warm container; 0: none
"""

import hashlib
import http.client
import json
import logging
import os
import re
import ssl
import time
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

WORDS = {
    "no_subscription": "There is no active subscription for this call.",
    "subscription_suspended": "This subscription is suspended.",
    "product_not_in_plan": "The plan of this subscription does not hold this API.",
    "feature_not_in_plan": "The plan of this subscription does not hold this feature.",
    "credential_revoked": "This credential has been revoked.",
    "quota_exceeded": "The quota of this plan is used up.",
    "rate_limited": "Too many calls at once.",
    "spend_cap": "The spend cap of this subscription is reached.",
    "margin_blocked": "This service is restricted at the moment.",
    "margin_throttled": "This service lets only some calls through at the moment.",
    "unavailable": "This call cannot be checked at the moment.",
}
REST_SECONDS = 2.0
KEY_REFUSED = (401, 403)
IDLE_SECONDS = 4.0
LEASE_STOPS_BEFORE_SECONDS = 5.0
UNTHROTTLED = ("NONE", "L1_ALERT")
NO_KEY = {"type": "consumer", "nativeId": "-"}
"""Nobody's credential: Aforo is asked all the same, since a product in observe lets such calls pass."""
TWO_WAYS = re.compile(r"\.\.|//|\\|;|%(2e|2f|5c|3b)", re.IGNORECASE)


class Unavailable(Exception):
    """Aforo did not answer, or not as Aforo."""


class Call(NamedTuple):
    """What both payload formats tell. `arn` is that of this method at this stage; header names are lower-case."""

    arn: str
    simple: bool
    place: str
    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]


class Decision(NamedTuple):
    """`facts` go to the backend and the access log, as text."""

    allowed: bool
    facts: dict[str, str]


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """What API Gateway asks."""
    call = read(event)
    product = _json("AFORO_PRODUCTS", {}).get(call.place)
    if product is None or is_preflight(call) or is_excluded(call.path):
        return answer(call, Decision(True, {"outcome": "unasked"}))
    decision = decide(call, product[0], product[1])
    if not decision.allowed and _setting("AFORO_ENFORCE", "false") != "true":
        decision = Decision(True, {**decision.facts, "wouldDeny": decision.facts["reason"]})
    return answer(call, decision)


def read(event: dict[str, Any]) -> Call:
    """Either payload format."""
    about = event.get("requestContext") or {}
    place, stage = f"{about.get('apiId')}/{about.get('stage')}", str(about.get("stage"))
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    query = dict(event.get("queryStringParameters") or {})
    if event.get("version") == "2.0":
        told = about.get("http") or {}
        path = str(event.get("rawPath") or "/").removeprefix("" if stage == "$default" else f"/{stage}") or "/"
        return Call(event["routeArn"], True, place, told.get("method", ""), path, headers, query)
    return Call(event["methodArn"], False, place, event.get("httpMethod", ""), event.get("path") or "/", headers, query)


def is_preflight(call: Call) -> bool:
    """What a browser asks before it sends the call itself; any other OPTIONS is a call."""
    return call.method == "OPTIONS" and {"origin", "access-control-request-method"} <= call.headers.keys()


def is_excluded(path: str) -> bool:
    """By whole segments. A path that a backend may read in two ways is not excluded, whatever it begins with."""
    if TWO_WAYS.search(path):
        return False
    prefixes = [str(prefix).rstrip("/") for prefix in _json("AFORO_EXCLUDED", [])]
    return any(prefix and (path == prefix or path.startswith(f"{prefix}/")) for prefix in prefixes)


def presented(call: Call) -> str:
    """The key that the caller shows, from the first place where there is one; else nothing."""
    for place in _setting("AFORO_KEY_FROM", "bearer,header:x-api-key,query:apikey").split(","):
        kind, _, name = place.strip().partition(":")
        found = ""
        if kind == "bearer":
            scheme, _, token = call.headers.get("authorization", "").partition(" ")
            found = token.strip() if scheme.lower() == "bearer" else ""
        elif kind == "header":
            found = call.headers.get(name.lower(), "")
        elif kind == "query":
            found = call.query.get(name, "")
        if found:
            return found
    return ""


def decide(call: Call, product: str, metric: str) -> Decision:
    """Aforo's word on this call; the fail mode where it cannot be had."""
    key = presented(call)
    digest = hashlib.sha256(key.encode()).hexdigest() if key else ""
    shown = {"type": "key_sha256", "nativeId": digest} if key else NO_KEY
    asked = {
        "credential": {"integrationId": _setting("AFORO_INTEGRATION_ID"), **shown},
        "product": product,
        "metric": metric,
    }
    facts = {"credential": digest, "product": product, "metric": metric}
    try:
        want = int(_setting("AFORO_LEASES", "0"))
        told = LEASES.spend(asked, want) if want else EDGE.post("/v1/check", asked)
    except Unavailable:
        return unreachable(LEASES.terms.get(digest), facts)
    return Decision(bool(told.get("allowed")), {**facts, **_facts(told), "outcome": "checked"})


def unreachable(terms: dict[str, Any] | None, facts: dict[str, str]) -> Decision:
    """By the plan's terms where a lease told them to this container, else by the function's setting."""
    told = {**facts, "outcome": "unavailable", **_refusal("unavailable", 503, None)}
    if terms is None:
        return Decision(_setting("AFORO_FAIL_MODE", "open") == "open", told)
    told.update({"plan": terms["plan"], "customerId": terms["customerId"]})
    if terms["failMode"] == "open_up_to":
        terms["outageUnits"] -= 1
        return Decision(terms["outageUnits"] >= 0, told)
    return Decision(terms["failMode"] == "open", told)


def answer(call: Call, decision: Decision) -> dict[str, Any]:
    """A policy for the whole API, so that it would be right for another method too; a yes or no with payload 2.0."""
    facts = {name: value for name, value in decision.facts.items() if value}
    if decision.allowed:
        for name in ("reason", "status", "message", "retryAfter", "retryHeader"):
            facts.pop(name, None)
    if call.simple:
        return {"isAuthorized": decision.allowed, "context": facts}
    api, stage = call.arn.split("/")[:2]
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if decision.allowed else "Deny",
        "Resource": f"{api}/{stage}/*",
    }
    return {
        "principalId": facts.get("customerId", "unknown"),
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": facts,
    }


class Edge:
    """One connection, kept while the container is warm.

    After a failure it rests, so that a dead edge costs little. A refusal of one question (4xx) says nothing about the
    next one, so nothing rests then; a key that Aforo does not take (401, 403) and too many questions (429) do.
    """

    def __init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0
        self._rests_until = 0.0

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Never sent twice, since a check reserves. Raises Unavailable."""
        if time.time() < self._rests_until:
            raise Unavailable
        try:
            status, text = self._sent(path, json.dumps(body).encode())
            told = json.loads(text)
        except (OSError, http.client.HTTPException, ValueError) as fault:
            self._failed(f"no answer: {type(fault).__name__}: {fault}")
            raise Unavailable from fault
        if status != 200 or not isinstance(told, dict):
            why = f"answered {status}: {text[:300].decode(errors='replace')}"
            if status in KEY_REFUSED:
                why = f"does not take AFORO_API_KEY, attach again with a new one: {why}"
            self._failed(why, rests=status >= 500 or status in (*KEY_REFUSED, 429))
            raise Unavailable
        return told

    def _sent(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self._connection is None or time.time() - self._used_at > IDLE_SECONDS:
            self._connection = _connection()
        headers = {"Authorization": f"Bearer {_setting('AFORO_API_KEY')}", "Content-Type": "application/json"}
        self._connection.request("POST", path, body, headers)
        answered = self._connection.getresponse()
        text = answered.read()
        self._used_at = time.time()
        return answered.status, text

    def _failed(self, why: str, *, rests: bool = True) -> None:
        logging.getLogger().warning("Aforo's edge %s", why)
        self._connection = None
        self._rests_until = time.time() + REST_SECONDS if rests else 0.0


class Leases:
    """Units taken in advance by this container, by credential and product. A container that ends keeps the rest.

    `terms` are what the last lease of a credential said about outages.
    """

    def __init__(self) -> None:
        self.terms: dict[str, dict[str, Any]] = {}
        self._held: dict[tuple[str, str], dict[str, Any]] = {}

    def spend(self, asked: dict[str, Any], want: int) -> dict[str, Any]:
        """One unit of a lease at hand, else of a new one. Raises Unavailable."""
        digest = asked["credential"]["nativeId"]  # of a call without a key "-", which gets no lease
        held = self._held.get((digest, asked["product"]))
        if held is None or held["left"] < 1 or time.time() >= held["ends"]:
            self._held.pop((digest, asked["product"]), None)
            if held is not None:
                _settle(held)
            return self._new(asked, digest, want)
        held["left"] -= 1
        held["told"]["remaining"] = None
        return {**held["told"], "leaseId": held["id"]}

    def _new(self, asked: dict[str, Any], digest: str, want: int) -> dict[str, Any]:
        told = EDGE.post("/v1/leases", {**asked, "want": want, "nodeId": NODE, "epoch": 0})
        lease = told.get("lease")
        if not told.get("allowed") or not lease:
            return told
        held = {"id": lease["id"], "units": lease["units"], "left": lease["units"] - 1, "told": told}
        held["ends"] = time.time() + max(1.0, _seconds_until(lease["expiresAt"]) - LEASE_STOPS_BEFORE_SECONDS)
        self.terms[digest] = {
            "failMode": lease["failMode"],
            "outageUnits": lease.get("outageUnits") or 0,
            "plan": told.get("plan") or "",
            "customerId": told.get("customerId") or "",
        }
        if lease.get("ratePerSecond") is None and told.get("margin") in UNTHROTTLED:
            self._held[digest, asked["product"]] = held
        else:  # a rate and a throttle are kept exactly by asking each time
            _settle(held)
        return {**told, "decisionId": None, "leaseId": lease["id"]}


def _settle(held: dict[str, Any]) -> None:
    """What was not spent goes back; where that cannot be told, the lease's end does it."""
    if held["left"] > 0:
        try:
            EDGE.post(f"/v1/leases/{quote(held['id'], safe='')}/settle", {"used": held["units"] - held["left"]})
        except Unavailable:
            return


def _facts(told: dict[str, Any]) -> dict[str, str]:
    """Aforo's answer as the flat texts that API Gateway hands on."""
    facts = {name: told.get(name) for name in ("customerId", "plan", "remaining", "decisionId", "leaseId")}
    facts["wouldDeny"] = (told.get("wouldDeny") or {}).get("reason")
    if not told.get("allowed"):
        facts.update(_refusal(str(told.get("reason")), told.get("status"), told.get("retryAfterSeconds")))
        sent = told.get("headers") or {}
        facts["marginGuard"], facts["marginLevel"] = sent.get("X-Margin-Guard"), sent.get("X-Margin-Guard-Level")
    return {name: str(value) for name, value in facts.items() if value is not None}


def _refusal(reason: str, status: int | None, seconds: int | None) -> dict[str, str]:
    """`retryAfter` is always a number, for a body; `retryHeader` is there only when it says something."""
    return {
        "reason": reason,
        "status": str(status or 403),
        "message": WORDS.get(reason, "This call is refused."),
        "retryAfter": str(seconds or 0),
        "retryHeader": str(seconds or ""),
    }


def _connection() -> http.client.HTTPConnection:
    there = urlsplit(_setting("AFORO_EDGE_URL"))
    seconds = int(_setting("AFORO_TIMEOUT_MS", "1000")) / 1000
    if there.scheme == "http":
        return http.client.HTTPConnection(there.hostname or "", there.port, timeout=seconds)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(there.hostname or "", there.port, timeout=seconds, context=context)


def _seconds_until(moment: str) -> float:
    """Of a time in UTC such as 2026-11-22T14:05:42.000Z."""
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp() - time.time()


def _setting(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def _json(name: str, default: Any) -> Any:
    return json.loads(os.environ[name]) if os.environ.get(name) else default


EDGE = Edge()
LEASES = Leases()
NODE = f"aws-{os.environ.get('AWS_LAMBDA_FUNCTION_NAME', '')}-{os.urandom(4).hex()}"
