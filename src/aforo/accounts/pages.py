"""Sign in and out."""

from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts.door import SESSION_COOKIE, Door
from aforo.accounts.errors import CsrfFailed, PasswordsOff, TooManyTries
from aforo.accounts.model import Scope
from aforo.accounts.oidc import CompanySignIn
from aforo.accounts.oidc import pages as company_pages
from aforo.accounts.people import People
from aforo.accounts.service import SESSION_LIFE, Accounts
from aforo.kit.errors import AforoError
from aforo.kit.pages import PageRender, local_path

_PAGE = "shell/sign_in.html"


def router(
    accounts: Accounts, people: People, company: CompanySignIn, door: Door, render: PageRender, *, home: str
) -> APIRouter:
    """`/sign-in` and what is below it, `/sign-out`; `home` is how people's browsers reach the console."""
    pages = APIRouter(include_in_schema=False)
    secure = home.startswith("https://")

    signed_in = partial(_signed_in, secure=secure)

    def page(request: Request, status: int = 200, **told: Any) -> Response:
        ways = {"passwords": people.passwords, "company": company.name, "lack": company.lack}
        return render(_PAGE, request, status=status, **{"error": None, "next": "/", "email": "", **ways, **told})

    def refuse(request: Request, status: int, fault: AforoError) -> Response:
        return page(request, status, error=str(fault), outside=True)

    company_pages.add(pages, company, accounts, door, signed_in, refuse, secure=secure)

    @pages.get("/sign-in")
    async def form(request: Request, where: Annotated[str, Query(alias="next")] = "/", left: str = "") -> Response:
        if await door.session(request):
            return RedirectResponse(local_path(where), 303)
        leave = await company.leave_url(f"{home}/sign-in") if left else ""
        return page(request, next=local_path(where), left=bool(left), leave=leave)

    @pages.get("/sign-in/{token}")
    async def by_link(request: Request, token: str) -> Response:
        try:
            return signed_in(await accounts.sign_in(token), "/")
        except AforoError as fault:
            if await door.session(request):
                return RedirectResponse("/", 303)
            return page(request, 401, error=str(fault))

    @pages.post("/sign-in")
    async def by_password_or_key(
        request: Request,
        email: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        key: Annotated[str, Form()] = "",
        where: Annotated[str, Form(alias="next")] = "/",
    ) -> Response:
        address = request.client.host if request.client else ""
        try:
            _refuse_strangers_form(request, home)
            if key.strip():
                return signed_in(await accounts.sign_in_with_key(key, address), where)
            return signed_in(await people.sign_in(email, password, address), where)
        except AforoError as fault:
            told = {"error": str(fault), "next": local_path(where), "email": email[:254]}
            answer = page(request, _status(fault), **told)
            if isinstance(fault, TooManyTries):
                answer.headers["retry-after"] = str(fault.retry_after_seconds)
            return answer

    _add_leaving(pages, accounts, company, door)
    return pages


def _add_leaving(pages: APIRouter, accounts: Accounts, company: CompanySignIn, door: Door) -> None:
    @pages.post("/sign-out")
    async def leave(request: Request) -> Response:
        await door.visitor(Scope.CONTROL_READ)(request)
        await accounts.sign_out(request.cookies.get(SESSION_COOKIE, ""))
        answer = RedirectResponse("/sign-in?left=1" if company.name else "/sign-in", 303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer


def _signed_in(cookie: str, where: str, *, secure: bool) -> RedirectResponse:
    answer = RedirectResponse(local_path(where), 303)
    life = int(SESSION_LIFE.total_seconds())
    answer.set_cookie(SESSION_COOKIE, cookie, max_age=life, httponly=True, samesite="lax", secure=secure)
    return answer


def _status(fault: AforoError) -> int:
    if isinstance(fault, CsrfFailed | PasswordsOff):
        return 403
    return 429 if isinstance(fault, TooManyTries) else 401


def _refuse_strangers_form(request: Request, home: str) -> None:
    """Nobody is signed in yet, so no token can tell our form from a stranger's; the browser says where it stood.

    Without this, a foreign page could sign its reader in as somebody else, to see what they then enter.
    """
    site, sender = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        own = site == "same-origin"
    else:
        own = sender is None or sender.partition("://")[2] in (request.headers.get("host"), urlsplit(home).netloc)
    if not own:
        raise CsrfFailed("This form came from another site. Nobody was signed in.", next_step="Sign in here.")
