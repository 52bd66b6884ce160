"""Tests a connection line by line, as a person would look, with real calls that change nothing."""

import re
from collections.abc import AsyncIterator, Iterable
from typing import Final

from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import (
    BreakerOpen,
    GatewayAuthFailed,
    GatewayError,
    GatewayNotAnApi,
    GatewayTlsFailed,
    GatewayUnavailable,
    TargetRefused,
)
from aforo.gateways.azure.client import Client, Row

_REACHED: Final = "Address reached"
_SERVICE: Final = "Service found"
_READ: Final = "Products readable"
_WRITE: Final = "May write"
_NOT_REACHED: Final = (GatewayUnavailable, GatewayTlsFailed, GatewayNotAnApi, TargetRefused, BreakerOpen)
_PROVIDER: Final = "Microsoft.ApiManagement/service"
_WRITTEN: Final = (
    "products", "products/policies", "products/apis", "products/tags", "apis", "apis/policies", "tags", "namedValues",
)  # fmt: skip
_NEEDED: Final = tuple(f"{_PROVIDER}/{what}/write" for what in _WRITTEN)


async def check(client: Client, sign_in: str) -> AsyncIterator[Check]:
    """Every line up to the first that fails. Signing in calls one server, everything else another."""
    accepted = "Client secret accepted" if sign_in == "service_principal" else "Access token accepted"
    try:
        await client.sign_in()
    except GatewayError as fault:
        yield _first(fault, client, accepted)
        return
    try:
        told, took_ms = await client.service()
    except GatewayError as fault:
        for line in _until(fault, accepted):
            yield line
        return
    yield Check(_REACHED, Verdict.OK, f"{took_ms:.0f} ms", took_ms=took_ms)
    if client.is_https:
        yield Check("TLS certificate valid", Verdict.OK, "trusted, and for this host")
    yield Check(accepted, Verdict.OK)
    yield _service(told)
    try:
        page = await client.get("products", **{"$top": "1"})
    except GatewayError as fault:
        yield _failed(_READ, fault)
        return
    yield Check(_READ, Verdict.OK, "there is at least one" if page.get("value") else "there are none yet")
    yield await _may_write(client)


def _first(fault: GatewayError, client: Client, accepted: str) -> Check:
    """Why there is no token."""
    if client.fault:
        return _failed("The form's values make a connection", fault)
    return _failed(_REACHED if isinstance(fault, _NOT_REACHED) else accepted, fault)


def _until(fault: GatewayError, accepted: str) -> Iterable[Check]:
    """What is known to work when the service cannot be read, and then the failure."""
    if isinstance(fault, _NOT_REACHED):
        return [_failed(_REACHED, fault)]
    if isinstance(fault, GatewayAuthFailed):
        return [Check(_REACHED, Verdict.OK), _failed(accepted, fault)]
    return [Check(_REACHED, Verdict.OK), Check(accepted, Verdict.OK), _failed(_SERVICE, fault)]


def _failed(name: str, fault: GatewayError) -> Check:
    return Check(name, Verdict.FAILED, fault.detail, fault.next_step, fault.code)


def _service(told: Row) -> Check:
    properties = told["properties"]
    sku = told["sku"].get("name", "of unknown tier") if isinstance(told.get("sku"), dict) else "of unknown tier"
    state = str(properties.get("provisioningState") or "Succeeded")
    words = f"{told.get('name')}, {sku}, {properties.get('gatewayUrl')}"
    if state != "Succeeded":
        return Check(
            _SERVICE, Verdict.LIMITED, f"{words}; it is {state} now", "Wait until Azure has finished with the service."
        )
    return Check(_SERVICE, Verdict.OK, words)


async def _may_write(client: Client) -> Check:
    """Azure is asked what our roles allow; nothing is written to find out."""
    try:
        granted = await client.permissions()
    except GatewayError as fault:
        return Check(_WRITE, Verdict.LIMITED, f"not tested, since Azure does not tell our permissions: {fault.detail}")
    missing = [action for action in _NEEDED if not _allows(granted, action)]
    if not missing:
        return Check(_WRITE, Verdict.OK, "products, APIs, policies, tags and named values")
    return Check(
        _WRITE,
        Verdict.LIMITED,
        f"not allowed: {', '.join(missing)}. Discovery, import and drift work; a restore does not",
        "Give the role API Management Service Contributor on the service if Aforo is to restore.",
    )


def _allows(granted: Iterable[Row], action: str) -> bool:
    """One role is enough, unless it excepts the action itself."""
    return any(
        _matches(role.get("actions"), action) and not _matches(role.get("notActions"), action) for role in granted
    )


def _matches(patterns: object, action: str) -> bool:
    if not isinstance(patterns, list):
        return False
    found = (".*".join(map(re.escape, str(pattern).split("*"))) for pattern in patterns)
    return any(re.fullmatch(pattern, action, re.IGNORECASE) for pattern in found)
