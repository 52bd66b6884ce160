"""Sign in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts.door import SESSION_COOKIE, Door
from aforo.accounts.model import Scope
from aforo.accounts.service import SESSION_LIFE, Accounts
from aforo.kit.errors import AforoError
from aforo.kit.pages import PageRender

_PAGE = "shell/sign_in.html"


def router(accounts: Accounts, door: Door, render: PageRender, *, secure: bool) -> APIRouter:
    """`/sign-in`, `/sign-in/{token}`, `/sign-out`; `secure` where the console is reached by https."""
    pages = APIRouter(include_in_schema=False)

    def signed_in(cookie: str, where: str) -> RedirectResponse:
        answer = RedirectResponse(_local(where), 303)
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
            return RedirectResponse(_local(next), 303)
        return render(_PAGE, request, error=None, next=_local(next))

    @pages.get("/sign-in/{token}")
    async def by_link(request: Request, token: str) -> Response:
        try:
            return signed_in(await accounts.sign_in(token), "/")
        except AforoError as fault:
            if await door.session(request):
                return RedirectResponse("/", 303)
            return render(_PAGE, request, status=401, error=str(fault), next="/")

    @pages.post("/sign-in")
    async def by_key(
        request: Request,
        key: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = "/",  # noqa: A002  as above
    ) -> Response:
        try:
            return signed_in(await accounts.sign_in_with_key(key), next)
        except AforoError as fault:
            return render(_PAGE, request, status=401, error=str(fault), next=_local(next))

    @pages.post("/sign-out")
    async def leave(request: Request) -> Response:
        await door.visitor(Scope.CONTROL_READ)(request)
        await accounts.sign_out(request.cookies.get(SESSION_COOKIE, ""))
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    return pages


def _local(where: str) -> str:
    """Only a path of our own: an address of somebody else's would make the sign-in page a springboard."""
    return where if where.startswith("/") and not where.startswith(("//", "/\\")) else "/"
