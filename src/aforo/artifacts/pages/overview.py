"""`/integrations/{id}/enforcement`: does it run, does it refuse, whom would it refuse?"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session
from aforo.artifacts.model import Installed, Mode, Standing
from aforo.artifacts.pages.parts import Parts
from aforo.gateway_sdk.artifact import Phase
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.manifest import Capability

_STATES = {Verdict.OK: "passed", Verdict.LIMITED: "warned", Verdict.FAILED: "failed"}
_MODES = {
    Mode.OBSERVE: "It observes: nobody is refused.",
    Mode.ENFORCE: "It enforces: calls that plans do not allow are refused.",
    Mode.PAUSED: "It is paused: nobody is refused until somebody resumes.",
}


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    @pages.get("/integrations/{integration_id}/enforcement")
    async def show(request: Request, integration_id: str, session: reader) -> Response:
        one = await parts.integration(session, integration_id)
        standing = await parts.room.switching.status(session.caller.tenant_id, one.id, ask=False)
        support = parts.integrations.manifest(one).capabilities.get(Capability.ARTIFACT)
        installed = standing.installed
        return parts.render(
            "artifacts/overview.html",
            request,
            one=one,
            standing=standing,
            installed=installed,
            phase=(installed.phase if installed else Phase.ABSENT).value,
            mode=installed.mode.value if installed else None,
            is_attached=installed is not None and installed.phase is Phase.ATTACHED,
            answer=_answer(standing),
            facts=_facts(installed, standing),
            checks=[line(check) for check in installed.verification.checks]
            if installed and installed.verification
            else [],
            support=support,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )


def _answer(standing: Standing) -> str:
    one = standing.installed
    if one is None:
        return "Nothing of Aforo runs inside this gateway: calls are neither checked nor metered."
    if one.phase is not Phase.ATTACHED:
        return "It is deployed, and no call passes through it yet."
    return f"Calls pass through it. {_MODES[one.mode]}"


def _facts(one: Installed | None, standing: Standing) -> list[tuple[str, Any]]:
    if one is None:
        return []
    attached = one.receipt.attached if one.receipt else ()
    return [
        ("Version", one.version),
        ("Attached to", ", ".join(attached) or "nothing yet"),
        ("Products enforced", f"{len(standing.enforced):,} of {standing.products:,}"),
        ("Keys are looked for in", ", ".join(one.wishes.key_from)),
        ("Passes unchecked", ", ".join(one.wishes.excluded) or "nothing"),
        ("While Aforo is out of reach", f"calls {'pass' if one.wishes.fail_mode == 'open' else 'are refused'}"),
        ("Sends to", one.wiring.ingest_url if one.wiring else None),
        ("Its key for Aforo", f"••••{one.wiring.api_key[-4:]}" if one.wiring else None),
    ]


def line(check: Check) -> dict[str, str]:
    fix = " ".join(part for part in (check.next_step or "", f"({check.code})" if check.code else "") if part)
    detail = f"{check.detail} " if fix and len(check.detail) > _LONGEST else ""
    fact = "" if len(check.detail) > _LONGEST else check.detail
    long = check.detail if len(check.detail) > _LONGEST and not detail else ""
    return {"label": check.name, "state": _STATES[check.verdict], "fact": fact, "fix": f"{detail}{fix}{long}"}


_LONGEST = 40
