"""Sign in and out."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts.door import SESSION_COOKIE, Door
from aforo.accounts.errors import CsrfFailed, TooManyTries
from aforo.accounts.model import Scope
from aforo.accounts.people import People
from aforo.accounts.service import SESSION_LIFE, Accounts
from aforo.kit.errors import AforoError
from aforo.kit.pages import PageRender, local_path

_PAGE = "shell/sign_in.html"


def router(accounts: Accounts, people: People, door: Door, render: PageRender, *, home: str) -> APIRouter:
    """`/sign-in`, `/sign-in/{token}`, `/sign-out`; `home` is how people's browsers reach the console."""
    pages = APIRouter(include_in_schema=False)
    secure = home.startswith("https://")

    def signed_in(cookie: str, where: str) -> RedirectResponse:
        answer = RedirectResponse(local_path(where), 303)
        answer.set_cookie(
            SESSION_COOKIE,
            cookie,
            max_age=int(SESSION_LIFE.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=secure,
        )
        return answer

    @pages.get("/sign-in")
    async def form(request: Request, next: str = "/") -> Response:  # noqa: A002  the parameter's name in the address
        if await door.session(request):
            return RedirectResponse(local_path(next), 303)
        return render(_PAGE, request, error=None, next=local_path(next), email="")

    @pages.get("/sign-in/{token}")
    async def by_link(request: Request, token: str) -> Response:
        try:
            return signed_in(await accounts.sign_in(token), "/")
        except AforoError as fault:
            if await door.session(request):
                return RedirectResponse("/", 303)
            return render(_PAGE, request, status=401, error=str(fault), next="/", email="")

    @pages.post("/sign-in")
    async def by_password_or_key(
        request: Request,
        email: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        key: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = "/",  # noqa: A002  as above
    ) -> Response:
        address = request.client.host if request.client else ""
        try:
            _refuse_strangers_form(request, home)
            if key.strip():
                return signed_in(await accounts.sign_in_with_key(key, address), next)
            return signed_in(await people.sign_in(email, password, address), next)
        except AforoError as fault:
            status = 403 if isinstance(fault, CsrfFailed) else 429 if isinstance(fault, TooManyTries) else 401
            told = {"error": str(fault), "next": local_path(next), "email": email[:254]}
            answer = render(_PAGE, request, status=status, **told)
            if isinstance(fault, TooManyTries):
                answer.headers["retry-after"] = str(fault.retry_after_seconds)
            return answer

    @pages.post("/sign-out")
    async def leave(request: Request) -> Response:
        await door.visitor(Scope.CONTROL_READ)(request)
        await accounts.sign_out(request.cookies.get(SESSION_COOKIE, ""))
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    return pages


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
