"""Tests a connection line by line, as a person would look, with real calls that change nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayError,
    GatewayForbidden,
    GatewayNotFound,
    GatewayTlsFailed,
    GatewayUnavailable,
)
from aforo.gateways.mulesoft.client import Anypoint, Row
from aforo.gateways.mulesoft.connector.reading import coordinates
from aforo.gateways.mulesoft.connector.sight import EXCHANGE, POLICIES, TIERS, WRITING, Need, Sight
from aforo.gateways.mulesoft.mapping.products import api_id, flat

REACHED: Final = "Address reached"
_TLS: Final = "TLS certificate valid"
_ENVIRONMENT: Final = "Environment known"
_APIS: Final = "APIs visible"
_WRITE: Final = "May write"


async def check(anypoint: Anypoint) -> AsyncIterator[Check]:
    """Every line up to the first that makes the others pointless."""
    try:
        await anypoint.sign_in()
        me, took_ms = await anypoint.me()
    except GatewayError as fault:
        for line in _until(fault, anypoint):
            yield line
        return
    yield Check(REACHED, Verdict.OK, f"{took_ms:.0f} ms", took_ms=took_ms)
    if anypoint.is_https:
        yield Check(_TLS, Verdict.OK, "trusted, and for this host")
    yield Check(_accepted(anypoint), Verdict.OK, _who(me))
    known = await _environment(anypoint)
    yield known
    if known.verdict is Verdict.FAILED:
        return
    sight = Sight(anypoint)
    try:
        rows = flat((await anypoint.listing("assets", "apis")).rows)
    except GatewayError as fault:
        yield failed(_APIS, fault)
        return
    yield await _visible(rows, anypoint, sight)
    if rows:
        for line in await _parts(anypoint, rows, sight):
            yield line
    yield await _may_write(sight)


def _until(fault: GatewayError, anypoint: Anypoint) -> list[Check]:
    """What is known to work when the very first call fails, and then the failure."""
    if anypoint.fault:
        return [failed("The form's values make an address", fault)]
    if isinstance(fault, GatewayTlsFailed):
        return [failed(_TLS, fault)]
    if isinstance(fault, GatewayAuthFailed | GatewayForbidden):
        tls = [Check(_TLS, Verdict.OK, "trusted, and for this host")] if anypoint.is_https else []
        return [Check(REACHED, Verdict.OK), *tls, failed(_accepted(anypoint), fault)]
    if isinstance(fault, GatewayUnavailable) or not fault.counts_for_health:
        return [failed(REACHED, fault)]
    return [failed("Anypoint Platform answers", fault)]


def failed(name: str, fault: GatewayError) -> Check:
    return Check(name, Verdict.FAILED, fault.detail, fault.next_step, fault.code)


def _accepted(anypoint: Anypoint) -> str:
    return "Connected app accepted" if anypoint.place.client_id else "Token accepted"


def _who(me: Row) -> str:
    client, user = me.get("client") or {}, me.get("user") or {}
    return str(user.get("username") or client.get("name") or "")


async def _environment(anypoint: Anypoint) -> Check:
    try:
        told = await anypoint.environment()
    except GatewayNotFound as fault:
        step = "Check both ids: an environment belongs to one business group, and its id is not its name."
        return Check(_ENVIRONMENT, Verdict.FAILED, fault.detail, step, fault.code)
    except GatewayError as fault:
        return failed(_ENVIRONMENT, fault)
    if told is None:
        return Check(
            _ENVIRONMENT,
            Verdict.LIMITED,
            "the credential may not see it",
            "Give the scope View Environment for it. Its name is all that is missing here.",
        )
    return Check(_ENVIRONMENT, Verdict.OK, f"{told.get('name')} ({told.get('type')})")


async def _visible(rows: list[Row], anypoint: Anypoint, sight: Sight) -> Check:
    if rows:
        return Check(_APIS, Verdict.OK, f"{len(rows)} instance{'' if len(rows) == 1 else 's'}")
    doubt = await sight.doubt_no_apis()
    if doubt is None:
        return Check(_APIS, Verdict.OK, "there are none yet")
    hint = " Exchange shows assets of this organization." if await _has_assets(anypoint) else ""
    return Check(_APIS, Verdict.LIMITED, doubt.detail + hint, doubt.next_step, doubt.code)


async def _has_assets(anypoint: Anypoint) -> bool:
    try:
        return bool(await anypoint.assets(anypoint.place.organization_id))
    except GatewayError:
        return False


async def _parts(anypoint: Anypoint, rows: list[Row], sight: Sight) -> list[Check]:
    """One line for each right, tried at one instance; an empty list says nothing unless the scopes do."""
    native = api_id(rows[0])
    where = next((found for row in rows if (found := coordinates(row))), None)

    async def described() -> bool:
        return bool(where and await anypoint.asset(*where))

    async def policies() -> bool:
        return bool(await anypoint.policies(native))

    async def tiers() -> bool:
        return bool((await anypoint.listing("tiers", "apis", native, "tiers")).rows)

    return [
        await _line("Policies readable", POLICIES, sight, policies),
        await _line("SLA tiers readable", TIERS, sight, tiers),
        await _line("API descriptions readable", EXCHANGE, sight, described),
    ]


async def _line(name: str, need: Need, sight: Sight, look: Callable[[], Awaitable[bool]]) -> Check:
    try:
        found = await look()
    except GatewayForbidden as fault:
        return Check(name, Verdict.FAILED, fault.detail, _give([need]), fault.code)
    except GatewayError as fault:
        return failed(name, fault)
    if found:
        return Check(name, Verdict.OK)
    if await sight.has(need) is False:
        return Check(name, Verdict.FAILED, f"the scope {need.title} is missing", _give([need]), GatewayForbidden.code)
    if await sight.has(need):
        return Check(name, Verdict.OK, "there are none at the first instance")
    return Check(
        name,
        Verdict.LIMITED,
        f"there are none at the first instance, which looks the same without the scope {need.title}",
        f"If there are some, give that scope: {_give([need])}",
    )


async def _may_write(sight: Sight) -> Check:
    lacking = [need for need in WRITING if await sight.has(need) is False]
    if lacking:
        return Check(_WRITE, Verdict.LIMITED, "products can be read and compared, not restored", _give(lacking))
    return Check(_WRITE, Verdict.OK, "not tested until the first restore: a test would have to write")


def _give(needs: list[Need]) -> str:
    titles = ", ".join(need.title for need in needs)
    return f"Access Management, Connected Apps: add {titles} for this business group and environment."
