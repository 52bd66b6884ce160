"""Tests a connection line by line, as a person would look, with real calls that change nothing."""

from collections.abc import AsyncIterator
from typing import Final

from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayClockSkew,
    GatewayError,
    GatewayForbidden,
    GatewayTlsFailed,
)
from aforo.gateways.apigee.client import Client
from aforo.gateways.apigee.mapping import Row, is_monetized

_REACHED: Final = "Apigee API reached"
_TLS: Final = "TLS certificate valid"
_ACCEPTED: Final = "Access token accepted"
_SIGNED_IN: Final = {
    "google": "Signed in at Google",
    "service_account": "Service account signed in",
    "access_token": "Access token given",
}
_READ: Final = "May read API products"
_PLANS: Final = "May read rate plans"


def named(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


async def check(client: Client, sign_in: str, environments: tuple[str, ...]) -> AsyncIterator[Check]:
    """Every line up to the first that fails; the environments each have their own."""
    try:
        await client.sign_in()
    except GatewayError as fault:
        yield failed("The form's values can be used" if client.fault else _SIGNED_IN[sign_in], fault)
        return
    yield Check(_SIGNED_IN[sign_in], Verdict.OK)
    try:
        organization, took_ms = await client.organization()
    except GatewayError as fault:
        yield _organization_failed(fault)
        return
    yield Check(_REACHED, Verdict.OK, f"{took_ms:.0f} ms", took_ms=took_ms)
    if client.is_https:
        yield Check(_TLS, Verdict.OK, "trusted, and for this host")
    yield _organization(organization)
    for line in await _environments(client, organization, environments):
        yield line
    async for line in _reads(client, organization):
        yield line


async def _reads(client: Client, organization: Row) -> AsyncIterator[Check]:
    try:
        found = await client.search("apiproducts", count="1")
    except GatewayError as fault:
        yield failed(_READ, fault)
        return
    yield Check(_READ, Verdict.OK, "there is at least one" if found.get("apiProduct") else "there are none yet")
    if is_monetized(organization):
        try:
            await client.search("apiproducts", "-", "rateplans", count="1")
        except GatewayError as fault:
            yield failed(_PLANS, fault)
            return
        yield Check(_PLANS, Verdict.OK, "monetization is on")
    yield Check("May write", Verdict.OK, "not tested until the first restore: a test would have to write")


def failed(name: str, fault: GatewayError) -> Check:
    return Check(name, Verdict.FAILED, fault.detail, fault.next_step, fault.code)


def _organization_failed(fault: GatewayError) -> Check:
    if isinstance(fault, GatewayTlsFailed):
        return failed(_TLS, fault)
    if isinstance(fault, GatewayAuthFailed | GatewayClockSkew):
        return failed(_ACCEPTED, fault)
    return failed("May read the organization" if isinstance(fault, GatewayForbidden) else _REACHED, fault)


def _organization(told: Row) -> Check:
    state, kind = str(told.get("state", "ACTIVE")), str(told.get("runtimeType", "CLOUD")).lower()
    monetization = "on" if is_monetized(told) else "off"
    name = f"Organization {told['name']}, {kind}, monetization {monetization}"
    if state == "ACTIVE":
        return Check(name, Verdict.OK)
    return Check(name, Verdict.LIMITED, f"its state is {state}", "Wait until it is ACTIVE before you restore.")


async def _environments(client: Client, organization: Row, wanted: tuple[str, ...]) -> list[Check]:
    """The ones that were named, else all. That a product works in one of them is not looked at."""
    there = [str(name) for name in organization.get("environments") or ()]
    if not wanted and not there:
        step = "Create an environment in Apigee; products can be imported meanwhile."
        return [Check("Environments", Verdict.LIMITED, "the organization has none", step)]
    return [await _environment(client, name, there) for name in wanted or sorted(there)]


async def _environment(client: Client, name: str, there: list[str]) -> Check:
    title = f"Environment {name}"
    try:
        told = await client.find("environments", name)
    except GatewayError as fault:
        return Check(title, Verdict.LIMITED, fault.detail, fault.next_step, fault.code)
    if told is None:
        known = f"There are {', '.join(sorted(there))}." if there else "There are none."
        return Check(title, Verdict.FAILED, "there is no such environment", f"Correct the name. {known}")
    state = str(told.get("state", "ACTIVE"))
    if state != "ACTIVE":
        return Check(title, Verdict.LIMITED, f"its state is {state}", "Wait until it is ACTIVE.")
    hooks = "a flow hook is attached" if told.get("hasAttachedFlowHooks") else "no flow hook attached"
    return Check(title, Verdict.OK, hooks)
