"""`/settings/…` and `/audit`: who may do what, and who did what."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts.door import SESSION_COOKIE, VisitorFor
from aforo.accounts.errors import PasswordsOff
from aforo.accounts.model import AuditEntry, Role, Scope, Session
from aforo.accounts.oidc import CompanySignIn
from aforo.accounts.oidc.routes import view_of
from aforo.accounts.people import SHORTEST_PASSWORD, People
from aforo.accounts.service import SESSION_LIFE, Accounts
from aforo.kit.clock import Clock
from aforo.kit.errors import AforoError, Conflict, Invalid
from aforo.kit.pages import PageRender

_ROWS: Final = 100
_EXPORTED: Final = 100_000
_ROLES: Final = {
    Role.VIEWER: "reads everything",
    Role.OPERATOR: "connects gateways, imports, restores, revokes",
    Role.PRODUCT: "makes plans and prices",
    Role.FINANCE: "reads usage, margins and statements",
    Role.ADMIN: "all of it, and people, keys and the audit trail",
}
_LIVES: Final = {"": "never", "30": "in 30 days", "90": "in 90 days", "365": "in a year"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What these pages are given; `home` is how people's browsers reach the console."""

    accounts: Accounts
    people: People
    company: CompanySignIn
    visitor: VisitorFor
    render: PageRender
    home: str
    clock: Clock


def router(parts: Parts) -> APIRouter:
    """Profile, people, API keys and the audit trail."""
    pages = APIRouter(include_in_schema=False)

    @pages.get("/settings")
    async def first() -> RedirectResponse:
        return RedirectResponse("/settings/profile", 303)

    _add_profile(pages, parts)
    _add_sign_in(pages, parts)
    _add_users(pages, parts)
    _add_keys(pages, parts)
    _add_audit(pages, parts)
    return pages


def _add_profile(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    def page(request: Request, session: Session, error: str = "", status: int = 200, *, done: bool = False) -> Response:
        told = {
            "me": session.person,
            "tenant": session.tenant,
            "error": error,
            "done": done,
            "passwords": parts.people.passwords,
        }
        return parts.render("accounts/profile.html", request, status=status, shortest=SHORTEST_PASSWORD, **told)

    @pages.get("/settings/profile")
    async def show(request: Request, session: reader, done: str = "") -> Response:
        return page(request, session, done=bool(done))

    @pages.post("/settings/profile")
    async def set_password(
        request: Request, session: reader, password: Annotated[str, Form()] = "", current: Annotated[str, Form()] = ""
    ) -> Response:
        """All other sessions end, and this one is exchanged for a new one."""
        me = session.person
        if me.has_password and not await parts.people.is_password(me, current):
            return page(request, session, "The current password is not right.", 422)
        try:
            await parts.people.set_password(me, password, me.id)
        except Invalid as fault:
            return page(request, session, f"The new password {fault.faults[0][1]}.", 422)
        except PasswordsOff as fault:
            return page(request, session, str(fault), 422)
        answer = RedirectResponse("/settings/profile?done=password", 303)
        answer.set_cookie(
            SESSION_COOKIE,
            await parts.accounts.session_for(me.id),
            max_age=int(SESSION_LIFE.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=parts.home.startswith("https://"),
        )
        return answer


def _add_sign_in(pages: APIRouter, parts: Parts) -> None:
    admin = Annotated[Session, Depends(parts.visitor(Scope.ADMIN))]

    @pages.get("/settings/sign-in")
    async def show(request: Request, session: admin) -> Response:
        told = await view_of(
            parts.company, parts.people.passwords, parts.home, session.caller.tenant_slug, parts.accounts
        )
        return parts.render("accounts/sign_in_ways.html", request, told=told)


def _add_users(pages: APIRouter, parts: Parts) -> None:
    admin = Annotated[Session, Depends(parts.visitor(Scope.ADMIN))]

    async def page(request: Request, session: Session, status: int = 200, **more: Any) -> Response:
        every = await parts.people.all(session.caller.tenant_id)
        told = {"error": "", "typed": {}, "link": "", "invited": None, **more}
        return parts.render(
            "accounts/users.html",
            request,
            status=status,
            people=every,
            roles=[(role.value, words) for role, words in _ROLES.items()],
            me=session.person,
            passwords=parts.people.passwords,
            **told,
        )

    @pages.get("/settings/users")
    async def show(request: Request, session: admin) -> Response:
        return await page(request, session)

    @pages.post("/settings/users")
    async def invite(
        request: Request,
        session: admin,
        name: Annotated[str, Form()] = "",
        email: Annotated[str, Form()] = "",
        role: Annotated[str, Form()] = Role.VIEWER.value,
    ) -> Response:
        typed = {"name": name, "email": email, "role": role}
        if not name.strip() or role not in set(Role):
            return await page(request, session, 422, error="A name and a role are needed.", typed=typed)
        who = session.caller
        try:
            person, token = await parts.people.invite(who.tenant_id, name[:200], email, Role(role), who.actor_id)
        except (Invalid, Conflict) as fault:
            error = fault.faults[0][1] if isinstance(fault, Invalid) and fault.faults else fault.detail
            return await page(request, session, 422, error=error, typed=typed)
        return await page(request, session, link=f"{parts.home}/sign-in/{token}", invited=person)

    @pages.post("/settings/users/{user_id}")
    async def change(
        request: Request,
        user_id: str,
        session: admin,
        role: Annotated[str, Form()] = "",
        act: Annotated[str, Form()] = "role",
    ) -> Response:
        who = session.caller
        try:
            if act == "link":
                person = await parts.people.one(who.tenant_id, user_id)
                token = await parts.people.link(who.tenant_id, user_id, who.actor_id)
                return await page(request, session, link=f"{parts.home}/sign-in/{token}", invited=person)
            if act == "unlink":
                await parts.people.unlink(who.tenant_id, user_id, who.actor_id)
                return RedirectResponse("/settings/users", 303)
            chosen = Role(role) if role in set(Role) else None
            shut = {"disable": True, "enable": False}.get(act)
            await parts.people.change(who.tenant_id, user_id, who.actor_id, role=chosen, disabled=shut)
        except Conflict as fault:
            return await page(request, session, 409, error=f"{fault.detail} {fault.next_step or ''}")
        return RedirectResponse("/settings/users", 303)


def _add_keys(pages: APIRouter, parts: Parts) -> None:
    admin = Annotated[Session, Depends(parts.visitor(Scope.ADMIN))]

    async def page(request: Request, session: Session, status: int = 200, **more: Any) -> Response:
        keys = await parts.accounts.keys(session.caller.tenant_id)
        now = parts.clock.now()
        live = [one for one in keys if not one.revoked_at and not (one.expires_at and one.expires_at <= now)]
        told = {"error": "", "typed": {}, "made": None, "secret": "", **more}
        return parts.render(
            "accounts/api_keys.html",
            request,
            status=status,
            keys=list(reversed(keys)),
            live=live,
            scopes=[scope.value for scope in Scope],
            lives=list(_LIVES.items()),
            **told,
        )

    @pages.get("/settings/api-keys")
    async def show(request: Request, session: admin) -> Response:
        return await page(request, session)

    @pages.post("/settings/api-keys")
    async def create(request: Request, session: admin) -> Response:
        sent = await request.form()
        typed = {name: str(sent.get(name, "")).strip() for name in ("name", "days", "networks", "test")}
        scopes = [Scope(str(one)) for one in sent.getlist("scopes") if str(one) in set(Scope)]
        if not typed["name"] or not scopes:
            error = "A name, and at least one thing that the key may do, are needed."
            return await page(request, session, 422, error=error, typed=typed)
        days = typed["days"] if typed["days"] in _LIVES else ""
        who = session.caller
        try:
            key, secret = await parts.accounts.create_key(
                who.tenant_id,
                typed["name"][:200],
                scopes,
                test=typed["test"] == "yes",
                expires_at=parts.clock.now() + timedelta(days=int(days)) if days else None,
                networks=typed["networks"].replace(",", " ").split(),
                actor_id=who.actor_id,
            )
        except Invalid as fault:
            error = f"{fault.detail} {fault.faults[0][1] if fault.faults else ''}"
            return await page(request, session, 422, error=error, typed=typed)
        return await page(request, session, made=key, secret=secret)

    @pages.post("/settings/api-keys/{key_id}/revoke")
    async def revoke(request: Request, key_id: str, session: admin) -> Response:
        try:
            await parts.accounts.revoke_key(session.caller.tenant_id, key_id, session.caller.actor_id)
        except AforoError as fault:
            return await page(request, session, 404, error=fault.detail)
        return RedirectResponse("/settings/api-keys", 303)


def _add_audit(pages: APIRouter, parts: Parts) -> None:
    admin = Annotated[Session, Depends(parts.visitor(Scope.ADMIN))]

    @pages.get("/audit")
    async def show(
        request: Request,
        session: admin,
        q: str = "",
        cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    ) -> Response:
        tenant_id = session.caller.tenant_id
        found = await parts.accounts.audit(tenant_id, _ROWS + 1, cursor, q.strip() or None)
        rows = found[:_ROWS]
        query = urlencode({"q": q.strip()} if q.strip() else {})
        following = f"/audit?{query}&cursor={rows[-1].number}" if len(found) > _ROWS else ""
        return parts.render(
            "accounts/audit.html",
            request,
            rows=[_row(one, await _names(parts, tenant_id)) for one in rows],
            proof=await parts.accounts.verify_audit(tenant_id),
            q=q.strip(),
            older=following,
            newest=f"/audit?{query}" if query else "/audit",
            is_first=cursor is None,
        )

    @pages.get("/audit.csv")
    async def export(session: admin, q: str = "") -> Response:
        found = await parts.accounts.audit(session.caller.tenant_id, _EXPORTED, None, q.strip() or None)
        named = {"content-disposition": 'attachment; filename="audit.csv"', "cache-control": "no-store"}
        return Response(_csv(found), media_type="text/csv; charset=utf-8", headers=named)


async def _names(parts: Parts, tenant_id: str) -> dict[str, str]:
    people = {one.id: one.name for one in await parts.people.all(tenant_id)}
    return people | {one.id: f"key {one.name}" for one in await parts.accounts.keys(tenant_id)}


def _row(entry: AuditEntry, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": str(entry.number),
        "at": entry.at,
        "actor": names.get(entry.actor_id, entry.actor_id),
        "action": entry.action,
        "subject": entry.subject,
        "reason": entry.detail.get("reason", ""),
        "json": json.dumps(dict(entry.detail), indent=2, ensure_ascii=False) if entry.detail else "",
        "hash": entry.hash,
    }


def _csv(entries: Sequence[AuditEntry]) -> str:
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(["number", "at", "actor", "action", "subject", "detail", "hash"])
    for one in entries:
        detail = json.dumps(dict(one.detail), sort_keys=True)
        sheet.writerow([one.number, one.at.isoformat(), one.actor_id, one.action, one.subject, detail, one.hash])
    return text.getvalue()
