"""The emulator as an ASGI app: lets a call in, finds what answers it, and keeps the state file up to date."""

from aforo.gateway_sdk.emulator import Receive, SavedSoon, Scope, Send, answer, read_body

from .answers import NO_SUCH_PAGE, Answer, Refused, forbidden
from .proxying import Proxying
from .requests import Request, parse_query
from .routing import Routes
from .store import Store
from .throttle import Throttle
from .tokens import TokenEndpoint


class ApigeeEmulator:
    """One emulated organization. `flush` saves what has changed; it is also called when the server stops."""

    def __init__(
        self,
        store: Store,
        organization: str,
        tokens: TokenEndpoint,
        routes: Routes,
        throttle: Throttle,
        proxying: Proxying,
    ) -> None:
        self.store = store
        self.tokens = tokens
        self.routes = routes
        self.proxying = proxying
        self._organization = organization
        self._throttle = throttle
        self._saved = SavedSoon(store.save)
        self.flush = self._saved.flush
        store.changed = self._saved.changed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._saved.live(receive, send)
            await self.proxying.aclose()
        elif scope["type"] == "http":
            given = await self._given(_request(scope, await read_body(receive)))
            await answer(send, given.status, given.bytes(), {"server": "ESF", **given.headers})

    async def _given(self, request: Request) -> Answer:
        match request.segments:
            case ["proxy", proxy, *rest]:
                try:
                    return await self.proxying.answer(request, proxy, rest)
                except Refused as refused:
                    return refused.answer
            case _:
                return self.respond(request)

    def respond(self, request: Request) -> Answer:
        """The answer to one management call."""
        try:
            if request.path == "/token" and request.method == "POST":
                return self.tokens.answer(request)
            return self._respond(request)
        except Refused as refused:
            return refused.answer

    def _respond(self, request: Request) -> Answer:
        match request.segments:
            case ["v1", "organizations", organization, *rest]:
                found = self.routes.find(request.method, rest)
            case _:
                return NO_SUCH_PAGE
        if found is None:
            return NO_SUCH_PAGE
        self.tokens.admit(request)
        if organization != self._organization:
            raise forbidden(f"organizations/{organization}")
        self._throttle.count()
        handler, own = found
        told = handler(request, *own)
        return told if isinstance(told, Answer) else Answer(200, told)


def _request(scope: Scope, body: bytes) -> Request:
    path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace").partition("?")[0]
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], path, parse_query(scope["query_string"]), headers, body)
