"""Rotate, suspend, reactivate and revoke: each is asked first, with what it touches."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.credentials.errors import CredentialStateConflict
from aforo.credentials.model import LIVE
from aforo.credentials.pages.parts import Parts, held
from aforo.credentials.rules.places import hint_of, last_used
from aforo.credentials.service.credentials import GRACE_SECONDS
from aforo.gateway_sdk.provision import Standing

Verb = Literal["rotate", "suspend", "reactivate", "revoke"]


def add(pages: APIRouter, parts: Parts) -> None:
    """Rotate's answer holds a secret: `issuing` has it."""
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]
    credentials = parts.room.credentials
    moves = {"suspend": credentials.suspend, "reactivate": credentials.reactivate, "revoke": credentials.revoke}

    @pages.get("/credentials/{credential_id}/{verb}")
    async def ask(request: Request, credential_id: str, verb: Verb, session: writer) -> Response:
        return await question(parts, request, session, credential_id, verb, {})

    @pages.post("/credentials/{credential_id}/{verb}")
    async def apply(
        request: Request,
        credential_id: str,
        verb: Literal["suspend", "reactivate", "revoke"],
        session: writer,
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        who = session.caller
        if not reason.strip():
            faults = {"reason": "Reason is required"}
            return await question(parts, request, session, credential_id, verb, faults)
        try:
            one = await moves[verb](who.tenant_id, credential_id)
        except CredentialStateConflict as fault:
            return await question(parts, request, session, credential_id, verb, {"reason": str(fault)})
        detail = {"subscriptionId": one.subscription_id, "reason": reason.strip()[:500]}
        await parts.note(who, f"credential.{verb}", credential_id, detail)
        return RedirectResponse(f"/credentials/{credential_id}", 303)


async def question(
    parts: Parts,
    request: Request,
    session: Session,
    credential_id: str,
    verb: Verb,
    faults: dict[str, str],
    grace: str = str(GRACE_SECONDS),
) -> Response:
    """The page that asks; its faults by field."""
    tenant_id = session.caller.tenant_id
    found = await parts.room.credentials.one(tenant_id, credential_id)
    known = (await held(parts, tenant_id, [found]))[0]
    return parts.render(
        "credentials/question.html",
        request,
        status=422 if faults else 200,
        held=known,
        one=found,
        hint=hint_of(found),
        last_used=last_used(found),
        verb=verb,
        faults=faults,
        grace=grace,
        at=sum(where.observed != Standing.GONE for where in known.wheres),
        others=sum(one.state in LIVE and one.id != found.id for one in known.siblings),
    )
