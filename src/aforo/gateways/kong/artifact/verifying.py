"""Reads an installation back line by line, then makes the canary's two calls; explains the usual faults."""

from collections.abc import AsyncIterator
from typing import Any, Final

from aforo.gateway_sdk.artifact import Canary, Receipt, Wiring
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.gateways.kong.artifact import files
from aforo.gateways.kong.artifact.config import differing, plugin_config
from aforo.gateways.kong.artifact.places import is_ours
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import Row, reference

_INSTALLED: Final = "Plugin installed"
_MEMORY: Final = "Memory of its own"
_ATTACHED: Final = "Plugin attached"
_SETTINGS: Final = "Settings as Aforo wrote them"
_PASSES: Final = "A call within the quota passes"
_REFUSED: Final = "A call beyond the quota is refused"
_REFUSALS: Final = (401, 402, 403, 429)


def version_on(info: tuple[Row, Answer]) -> str | None:
    """The version that a node says it has; Kong before 3.0 tells none."""
    available = (info[0].get("plugins") or {}).get("available_on_server") or {}
    found = available.get(files.NAME)
    return str(found.get("version")) if isinstance(found, dict) else "of an unknown version" if found else None


async def verify(
    client: Client, transport: Transport, wiring: Wiring, receipt: Receipt, canary: Canary | None
) -> AsyncIterator[Check]:
    """Every line up to the first that fails."""
    try:
        async for line in _read_back(client, wiring, receipt):
            yield line
            if line.verdict is Verdict.FAILED:
                return
        if canary is not None:
            header = await _key_header(client)
            async for line in _canary(transport, canary, header, enforced=wiring.enforce):
                yield line
    except GatewayError as fault:
        yield Check("Kong answers", Verdict.FAILED, fault.detail, fault.next_step, fault.code)


async def _read_back(client: Client, wiring: Wiring, receipt: Receipt) -> AsyncIterator[Check]:
    if client.is_konnect:
        words = "Konnect does not tell what is on its data planes"
        yield Check(_INSTALLED, Verdict.LIMITED, words, "See that every data plane has the files: " + files.STEPS[0])
    else:
        yield _installed(version_on(await client.info()))
        yield _memory(await client.status())
    mine = [row for row in await client.rows("plugins") if is_ours(row, wiring.integration_id)]
    yield _attached(mine, receipt)
    names = sorted({name for row in mine for name in differing(plugin_config(wiring), row["config"])})
    if names:
        yield Check(_SETTINGS, Verdict.FAILED, f"others: {', '.join(names)}", "Attach again.")
    else:
        yield Check(_SETTINGS, Verdict.OK)


def _installed(version: str | None) -> Check:
    if version == files.version():
        return Check(_INSTALLED, Verdict.OK, f"version {version}")
    words = "not on this node" if version is None else f"version {version}, not {files.version()}"
    return Check(_INSTALLED, Verdict.FAILED, words, " ".join(files.STEPS))


def _memory(status: Row) -> Check:
    dicts = (status.get("memory") or {}).get("lua_shared_dicts") or {}
    if files.NAME in dicts:
        return Check(_MEMORY, Verdict.OK, "leases outlive a reload of Kong")
    words = "leases are in Kong's own memory, which a reload empties and other plugins may crowd"
    return Check(_MEMORY, Verdict.LIMITED, words, "Set nginx_http_lua_shared_dict = aforo 16m and restart Kong.")


def _attached(mine: list[Row], receipt: Receipt) -> Check:
    off = [row for row in mine if not row.get("enabled", True)]
    if mine and not off and len(mine) >= len(receipt.attached):
        return Check(_ATTACHED, Verdict.OK, f"{len(mine)} place{'' if len(mine) == 1 else 's'}")
    words = "switched off by somebody" if off else "somebody deleted it" if receipt.attached else "not yet"
    return Check(_ATTACHED, Verdict.FAILED, words, "Attach it again.")


async def _key_header(client: Client) -> str:
    """The header in which this Kong's key-auth looks for keys; that of all its plugins is nearly always one."""
    names: list[str] = []
    for row in await client.rows("plugins"):
        if row.get("name") == "key-auth" and not reference(row, "consumer"):
            names += (row.get("config") or {}).get("key_names") or []
    return names[0] if names else "apikey"


async def _canary(transport: Transport, canary: Canary, header: str, *, enforced: bool) -> AsyncIterator[Check]:
    answers: list[Answer] = []
    for _ in range(2):
        call: dict[str, Any] = {"headers": {header: canary.key}, "operation": "GET canary"}
        answers.append(await transport.call("GET", canary.url, accept=range(400, 600), **call))
    first, second = answers
    yield _passes(first, canary)
    if not enforced:
        words = f"answered {second.status}: the plugin observes and refuses nobody"
        yield Check(_REFUSED, Verdict.LIMITED, words, "Switch to enforce, then verify again.")
    elif second.status in _REFUSALS:
        yield Check(_REFUSED, Verdict.OK, f"HTTP {second.status}")
    else:
        yield Check(_REFUSED, Verdict.FAILED, f"HTTP {second.status}", _WHY_NOT_REFUSED)


_WHY_NOT_REFUSED: Final = (
    "Look whether the product is switched to enforce, whether Kong's nodes reach Aforo's edge (error.log of Kong names "
    "aforo), and whether the URL belongs to a service to which the plugin is attached."
)


def _passes(answer: Answer, canary: Canary) -> Check:
    if answer.status in (401, 403):
        words = f"HTTP {answer.status}: Kong or Aforo does not know the key"
        return Check(_PASSES, Verdict.FAILED, words, "New keys take up to 5 s on other nodes: verify once more.")
    if answer.status == 404:
        return Check(_PASSES, Verdict.FAILED, "HTTP 404: no route takes this URL", "Name a URL of a sold service.")
    if answer.status >= 400:
        return Check(_PASSES, Verdict.FAILED, f"HTTP {answer.status}", "Look at the service behind Kong.")
    plan = answer.headers.get("x-aforo-plan")
    if canary.expects_headers and plan != canary.plan:
        return Check(_PASSES, Verdict.FAILED, "without Aforo's headers: the plugin saw nothing", _WHY_NOT_REFUSED)
    return Check(_PASSES, Verdict.OK, f"HTTP {answer.status}, plan {plan}")
