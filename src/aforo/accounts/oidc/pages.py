"""`/sign-in/oidc/…`: to the identity provider and back."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts.door import SESSION_COOKIE, Door
from aforo.accounts.oidc.begun import LIFE
from aforo.accounts.oidc.model import CALLBACK
from aforo.accounts.oidc.service import CompanySignIn
from aforo.accounts.service import Accounts
from aforo.kit.errors import AforoError, Forbidden, Overloaded
from aforo.kit.pages import local_path

SignedIn = Callable[[str, str], Response]
"""A session's cookie and where to go, as an answer."""
Refuse = Callable[[Request, int, AforoError], Response]
"""The sign-in page with what went wrong."""


def add(
    pages: APIRouter,
    company: CompanySignIn,
    accounts: Accounts,
    door: Door,
    signed_in: SignedIn,
    refuse: Refuse,
    secure: bool,
) -> None:
    """The way back is a GET by another site, which `SameSite=Lax` cookies come along with."""
    cookie = "__Host-aforo_oidc" if secure else "aforo_oidc"

    @pages.get("/sign-in/oidc/start")
    async def start(request: Request, where: Annotated[str, Query(alias="next")] = "/") -> Response:
        if await door.session(request):
            return RedirectResponse(local_path(where), 303)
        try:
            begun = await company.begin(local_path(where))
        except AforoError as fault:
            return refuse(request, _status(fault), fault)
        answer = RedirectResponse(begun.url, 303, {"cache-control": "no-store"})
        life = int(LIFE.total_seconds())
        answer.set_cookie(cookie, begun.cookie, max_age=life, httponly=True, samesite="lax", secure=secure)
        return answer

    @pages.get(CALLBACK)
    async def back(request: Request) -> Response:
        try:
            session, where = await company.finish(request.query_params, request.cookies.get(cookie, ""))
        except AforoError as fault:
            answer = refuse(request, _status(fault), fault)
        else:
            await accounts.sign_out(request.cookies.get(SESSION_COOKIE, ""))
            answer = signed_in(session, where)
        answer.delete_cookie(cookie, httponly=True, samesite="lax", secure=secure)
        return answer


def _status(fault: AforoError) -> int:
    return 503 if isinstance(fault, Overloaded) else 403 if isinstance(fault, Forbidden) else 401
