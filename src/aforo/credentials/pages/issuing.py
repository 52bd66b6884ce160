"""What shows a secret, once and in the answer to a POST only: a new credential, a rotation, what a gateway made later.

A repeated POST, such as a reload of that answer, makes nothing: it says when the secret was shown, and offers Rotate.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.credentials.errors import CredentialStateConflict
from aforo.credentials.model import Issued
from aforo.credentials.pages import acts, keys
from aforo.credentials.pages.parts import Parts, held
from aforo.credentials.rules.standing import successor_of
from aforo.credentials.service.credentials import GRACE_SECONDS
from aforo.kit.jsontree import JsonObject

_MOST_SECONDS = 30 * 86_400
_SHOWN_BEFORE = "This key is made already, and its secret was shown then. If nobody has stored it, rotate the key."


def add(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]
    credentials = parts.room.credentials

    @pages.post("/subscriptions/{subscription_id}/credentials")
    async def issue(
        request: Request, subscription_id: str, session: writer, newest: Annotated[str, Form()] = ""
    ) -> Response:
        """`newest` is the newest credential that the sender's page knew of."""
        who = session.caller
        known = await credentials.of(who.tenant_id, subscription_id)
        if known and known[-1].id > newest:
            return await keys.page(parts, request, session, known[-1].id, _SHOWN_BEFORE)
        issued = await credentials.issue(who.tenant_id, subscription_id)
        one = issued.credential
        await parts.note(who, "credential.issue", one.id, {"subscriptionId": subscription_id, "mode": one.mode.value})
        return await _shown(parts, request, session, issued)

    @pages.get("/subscriptions/{subscription_id}/credentials")
    async def shown_before(request: Request, subscription_id: str, session: writer) -> Response:
        """Where a reload leads that does not send the form again."""
        known = await credentials.of(session.caller.tenant_id, subscription_id)
        if not known:
            return RedirectResponse(f"/subscriptions/{subscription_id}", 303)
        return await keys.page(parts, request, session, known[-1].id, _SHOWN_BEFORE)

    @pages.post("/credentials/{credential_id}/rotate")
    async def rotate(
        request: Request,
        credential_id: str,
        session: writer,
        reason: Annotated[str, Form()] = "",
        grace: Annotated[str, Form()] = str(GRACE_SECONDS),
    ) -> Response:
        who = session.caller
        seconds = int(grace) if grace.strip().isdecimal() and len(grace) < 9 else -1
        faults = {} if reason.strip() else {"reason": "Reason is required"}
        if not 0 <= seconds <= _MOST_SECONDS:
            faults["grace"] = f"A whole number of seconds from 0 to {_MOST_SECONDS:,} is wanted here"
        if faults:
            return await acts.question(parts, request, session, credential_id, "rotate", faults, grace)
        try:
            issued = await credentials.rotate(who.tenant_id, credential_id, seconds)
        except CredentialStateConflict as fault:
            if successor := await _successor(parts, session, credential_id):
                return await keys.page(parts, request, session, successor, _SHOWN_BEFORE)
            return await acts.question(parts, request, session, credential_id, "rotate", {"reason": str(fault)}, grace)
        detail: JsonObject = {"replaces": credential_id, "graceSeconds": seconds, "reason": reason.strip()[:500]}
        await parts.note(who, "credential.rotate", issued.credential.id, detail)
        return await _shown(parts, request, session, issued)

    _add_later(pages, parts)


def _add_later(pages: APIRouter, parts: Parts) -> None:
    """What a gateway made after the first answer."""
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]
    credentials = parts.room.credentials

    @pages.get("/credentials/{credential_id}/secret")
    async def secret_shown_before(request: Request, credential_id: str, session: writer) -> Response:
        return await keys.page(parts, request, session, credential_id, _SHOWN_BEFORE)

    @pages.post("/credentials/{credential_id}/secret")
    async def secret(request: Request, credential_id: str, session: writer) -> Response:
        issued = await credentials.show(session.caller.tenant_id, credential_id)
        if not issued.secrets:
            return await keys.page(parts, request, session, credential_id, _SHOWN_BEFORE)
        await parts.note(session.caller, "credential.show", credential_id, {"secrets": len(issued.secrets)})
        return await _shown(parts, request, session, issued)


async def _successor(parts: Parts, session: Session, credential_id: str) -> str | None:
    tenant_id = session.caller.tenant_id
    known = (await held(parts, tenant_id, [await parts.room.credentials.one(tenant_id, credential_id)]))[0]
    found = successor_of(known.one, known.siblings)
    return found.id if found else None


async def _shown(parts: Parts, request: Request, session: Session, issued: Issued) -> Response:
    """The secrets; where no gateway has made one yet, the credential's page tells how far each is."""
    one = issued.credential
    if not issued.secrets:
        return RedirectResponse(f"/credentials/{one.id}", 303)
    tenant_id = session.caller.tenant_id
    known = (await held(parts, tenant_id, [one]))[0]
    answer = parts.render(
        "credentials/secret.html",
        request,
        held=known,
        one=one,
        secrets=issued.secrets,
        gateways=await parts.gateways(tenant_id),
    )
    answer.headers["cache-control"] = "no-store"
    return answer
