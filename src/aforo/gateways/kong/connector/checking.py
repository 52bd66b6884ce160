"""Tests a connection line by line, as a person would look, with real calls that change nothing."""

from collections.abc import AsyncIterator
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


async def check(client: Client, sign_in: str) -> AsyncIterator[Check]:
    """Every line up to the first that fails."""
    try:
        told, took_ms = await client.info()
    except GatewayError as fault:
        for line in _until(fault, client, _accepted(sign_in)):
            yield line
        return
    yield Check(REACHED, Verdict.OK, f"{took_ms:.0f} ms", took_ms=took_ms)
    if client.is_https:
        yield Check(_TLS, Verdict.OK, "trusted, and for this host")
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
