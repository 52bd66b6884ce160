"""A call through all four sections, and what comes out of it."""

import json
from collections.abc import Mapping
from typing import Any

from aforo.gateways.azure.emulator.engine import NotEmulated
from aforo.gateways.azure.emulator.engine.members import Headers
from aforo.gateways.azure.emulator.engine.policies import section
from aforo.gateways.azure.emulator.engine.running import Message, PolicyFault, Returned, Run


async def through(run: Run, refused: PolicyFault | None) -> Message:
    """The caller's answer. `refused`: the gateway does not take the key, which is an error before any policy."""
    try:
        await _sections(run, refused)
    except Returned:
        pass
    except NotEmulated as fault:
        return loud(str(fault))
    answer = run.response or Message()
    if origin := run.variables.get("(cors)"):
        answer.headers["access-control-allow-origin"] = origin
    return answer


def loud(what: str) -> Message:
    """Azure may well know it; the emulator says that it does not."""
    return _told(501, {"emulator": f"Not emulated: {what}. Extend the closed list, with a test, or leave it out."})


def plain(status: int, message: str, headers: Mapping[str, str] | None = None) -> Message:
    """A refusal as the gateway words it."""
    answer = _told(status, {"statusCode": status, "message": message})
    answer.headers.update(headers or {})
    return answer


async def _sections(run: Run, refused: PolicyFault | None) -> None:
    try:
        if refused:
            raise refused
        for name in ("inbound", "backend", "outbound"):
            await section(name, run)
    except PolicyFault as fault:
        failed_in, run.fault = run.section, fault
        run.response = plain(fault.status, fault.message, fault.headers)
        await _on_error(run, failed_in)


async def _on_error(run: Run, failed_in: str) -> None:
    """`context.LastError.Section` stays the section that failed. An error in on-error ends it."""
    try:
        run.failed_in = failed_in
        await section("on-error", run)
    except PolicyFault:
        return


def _told(status: int, body: Mapping[str, Any]) -> Message:
    return Message(Headers({"content-type": "application/json"}), json.dumps(body), status)
