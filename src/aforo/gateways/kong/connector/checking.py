"""Tests a connection line by line, as a person would look, with real calls that change nothing."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import (
    GatewayAuthFailed,
    GatewayError,
    GatewayForbidden,
    GatewayTlsFailed,
    GatewayUnavailable,
)
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import Row

REACHED: Final = "Address reached"
_TLS: Final = "TLS certificate valid"
_WRITE: Final = "May write"
_READ: Final = "May read services"
_RENEW_WITHIN: Final = timedelta(days=14)


async def check(client: Client, sign_in: str, now: datetime) -> AsyncIterator[Check]:
    """Every line up to the first that fails."""
    try:
        told, answer = await client.info()
    except GatewayError as fault:
        for line in _until(fault, client, _accepted(sign_in)):
            yield line
        return
    yield Check(REACHED, Verdict.OK, f"{answer.took_ms:.0f} ms", took_ms=answer.took_ms)
    if client.is_https:
        yield _certificate(answer.certificate_until, now)
    try:
        listing = await client.search("services", size="1")
    except (GatewayAuthFailed, GatewayForbidden) as fault:
        yield failed(_accepted(sign_in) if isinstance(fault, GatewayAuthFailed) else _READ, fault)
        return
    except GatewayError as fault:
        yield failed(_READ, fault)
        return
    yield Check(_accepted(sign_in), Verdict.OK)
    yield Check(_READ, Verdict.OK, "there is at least one" if listing else "there are none yet")
    yield _what_it_is(told, konnect=client.is_konnect)
    yield _may_write(told, sign_in)


def _certificate(until: datetime | None, now: datetime) -> Check:
    """An expired one is refused by the handshake itself; one about to expire still works."""
    if until is None:
        return Check(_TLS, Verdict.OK, "trusted, and for this host")
    words = f"until {until.day} {until:%b %Y}"
    if until - now >= _RENEW_WITHIN:
        return Check(_TLS, Verdict.OK, words)
    left = max(0, (until - now).days)
    return Check(
        _TLS,
        Verdict.LIMITED,
        f"{words}: {left} day{'' if left == 1 else 's'} left, then no call gets through",
        "Renew the certificate of the Admin API, or of the proxy before it.",
    )


def _until(fault: GatewayError, client: Client, accepted: str) -> list[Check]:
    """What is known to work when the very first call fails, and then the failure."""
    if client.fault:
        return [failed("The form's values make an address", fault)]
    if isinstance(fault, GatewayTlsFailed):
        return [failed(_TLS, fault)]
    if isinstance(fault, GatewayAuthFailed | GatewayForbidden):
        tls = [Check(_TLS, Verdict.OK, "trusted, and for this host")] if client.is_https else []
        return [Check(REACHED, Verdict.OK), *tls, failed(accepted, fault)]
    if isinstance(fault, GatewayUnavailable) or not fault.counts_for_health:
        return [failed(REACHED, fault)]
    return [failed("Kong's Admin API answers", fault)]


def failed(name: str, fault: GatewayError) -> Check:
    return Check(name, Verdict.FAILED, fault.detail, fault.next_step, fault.code)


def _accepted(sign_in: str) -> str:
    return {"none": "No sign-in needed", "basic": "Password accepted", "mtls": "Client certificate accepted"}.get(
        sign_in, "Token accepted"
    )


def _what_it_is(told: Row, *, konnect: bool) -> Check:
    if konnect:
        config: dict[str, Any] = told["config"] if isinstance(told.get("config"), dict) else {}
        return Check(f"Konnect control plane {told.get('name', '')}", Verdict.OK, str(config.get("cluster_type", "")))
    edition = str(told.get("edition") or "of unknown edition")
    return Check(f"Kong {told.get('version')} {edition}, database {database(told)}", Verdict.OK)


def database(told: Row) -> str:
    """`postgres`, or `off` where Kong runs from a file."""
    configuration = told.get("configuration")
    return str(configuration.get("database", "unknown")) if isinstance(configuration, dict) else "unknown"


def _may_write(told: Row, sign_in: str) -> Check:
    if database(told) == "off":
        return Check(
            _WRITE,
            Verdict.LIMITED,
            "Kong runs without a database: a restore replaces the whole configuration through POST /config, "
            "on this node alone, and lasts until the node starts again.",
            "Connect every node, or restore into the kong.yml that your nodes start from.",
        )
    if sign_in == "none":
        return Check(_WRITE, Verdict.OK, "this Admin API asks nobody who they are, so it takes writes from us as well")
    return Check(_WRITE, Verdict.OK, "not tested until the first restore: a test would have to write")
