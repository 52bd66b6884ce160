"""The dependency by which every route says what it needs of its caller."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.requests import Request

from aforo.accounts.errors import CsrfFailed, MissingScope, SignInNeeded, TenantMismatch
from aforo.accounts.model import Caller, Scope, Session, presented_key
from aforo.accounts.service import Accounts
from aforo.kit.errors import Unauthenticated

SESSION_COOKIE = "aforo_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CallerFor(Protocol):
    """Given a scope, a dependency that lets in only callers who have it."""

    def __call__(self, scope: Scope) -> Callable[[Request], Awaitable[Caller]]: ...


class VisitorFor(Protocol):
    """Given a scope, a dependency that lets in only people who are signed in and may do that."""

    def __call__(self, scope: Scope) -> Callable[[Request], Awaitable[Session]]: ...


class Door:
    """Lets in API keys, and people with a session; a person's writes need the session's CSRF token."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def caller(self, scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
        """A dependency for API routes."""

        async def dependency(request: Request) -> Caller:
            caller = await self._caller(request)
            if not caller.may(scope):
                raise MissingScope(f"This needs the scope {scope.value}.", next_step="Use a key or a role that has it.")
            named = request.headers.get("x-tenant-id") or request.query_params.get("tenant_id")
            if named and not caller.is_tenant(named):
                raise TenantMismatch("The tenant named is not the caller's.", next_step="Leave the tenant out.")
            return caller

        return dependency

    def visitor(self, scope: Scope) -> Callable[[Request], Awaitable[Session]]:
        """A dependency for pages: who is signed in. A form must carry the session's token as `csrf_token`.

        What the page's shell shows of the person is left in `request.state`.
        """

        async def dependency(request: Request) -> Session:
            session = await self.session(request)
            if session is None:
                raise SignInNeeded("Sign in to see this page.", next_step="Use the link that `aforo serve` printed.")
            if request.method not in _SAFE_METHODS:
                await _check_form(request, session)
            if not session.caller.may(scope):
                raise MissingScope(
                    f"This needs a role with {scope.value}; yours is {session.person.role.value}.",
                    next_step="Ask an administrator.",
                )
            request.state.person = session.person
            request.state.csrf_token = session.csrf
            return session

        return dependency

    async def session(self, request: Request) -> Session | None:
        """The signed-in person, if any."""
        return await self._accounts.session(request.cookies.get(SESSION_COOKIE))

    async def _caller(self, request: Request) -> Caller:
        key = presented_key(dict(request.headers))
        if key:
            return await self._accounts.caller_of_key(key, request.client.host if request.client else None)
        session = await self.session(request)
        if session is None:
            raise Unauthenticated(
                "This needs an API key or a session.", next_step="Send `Authorization: Bearer <key>`, or sign in."
            )
        if request.method not in _SAFE_METHODS and request.headers.get("x-csrf-token") != session.csrf:
            raise CsrfFailed("The session's CSRF token is missing or wrong.", next_step="Reload the page.")
        return session.caller


async def _check_form(request: Request, session: Session) -> None:
    given = (await request.form()).get("csrf_token")
    if given != session.csrf:
        raise CsrfFailed("This form is older than your session. Nothing was changed.", next_step="Reload the page.")
