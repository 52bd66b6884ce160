"""The emulator's front: Entra's token endpoint, Resource Manager with one service behind it, and the export storage."""

import json
import re
from collections.abc import Coroutine
from typing import Any, Final

import httpx2

from aforo.gateway_sdk.emulator import Receive, SavedSoon, Scope, Send, StateFile, read_body
from aforo.gateways.azure.emulator.actions import Actions
from aforo.gateways.azure.emulator.operations import LOCATION, Operations
from aforo.gateways.azure.emulator.proxying import PREFIX, Proxying
from aforo.gateways.azure.emulator.reports import Reports
from aforo.gateways.azure.emulator.resources import Resources
from aforo.gateways.azure.emulator.sign_in import RIGHTS, SignIn, may
from aforo.gateways.azure.emulator.store import Store
from aforo.gateways.azure.emulator.throttle import Throttle
from aforo.gateways.azure.emulator.wire import API_VERSION, Answer, ArmError, Call, missing
from aforo.kit.clock import Clock

SUBSCRIPTION: Final = "00000000-1111-2222-3333-444444444444"
RESOURCE_GROUP: Final = "rg-apis"
SERVICE: Final = "contoso-apis"
GATEWAY_URL: Final = "https://contoso-apis.azure-api.net"
BASE: Final = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.ApiManagement/service/{SERVICE}"
)
_TOKEN: Final = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token")
_OPERATION: Final = re.compile(
    rf"/subscriptions/{SUBSCRIPTION}/providers/Microsoft\.ApiManagement/locations/{LOCATION}"
    r"/operation(?P<way>Statuses|Results)/(?P<id>\w+)",
    re.IGNORECASE,
)
_SERVICE: Final = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.ApiManagement/service/(?P<service>[^/]+)(?:/(?P<rest>.*))?",
    re.IGNORECASE,
)
_PERMISSIONS: Final = "providers/microsoft.authorization/permissions"


class AzureEmulator:
    """An ASGI app. `sign_in`, `operations` and `throttle` have switches that may be turned while it runs."""

    def __init__(
        self,
        state: StateFile,
        clock: Clock,
        page_size: int,
        token_seconds: int,
        *,
        throttle: bool,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self.store = Store(state)
        self.sign_in = SignIn(clock, token_seconds)
        self.throttle = Throttle(clock, refuses=throttle)
        self.operations = Operations(self.store, SUBSCRIPTION)
        self.resources = Resources(self.store, self.operations, BASE, page_size)
        self.actions = Actions(self.resources, clock, GATEWAY_URL)
        self.reports = Reports(self.store, self.resources, clock)
        self.proxying = Proxying(self.store, self.reports, clock, http)
        self.sku = "Developer"
        self._saved = SavedSoon(self.store.save)
        self.flush = self._saved.flush

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._saved.live(receive, send)
            return
        call = _call(scope, await read_body(receive))
        before = self.store.version
        answer = await self.proxying.answer(call) if call.path.startswith(PREFIX) else self.answer(call)
        if self.store.version != before:
            self._saved.changed()
        await _send(send, Answer(answer.status, None, answer.headers) if call.method == "HEAD" else answer)

    def answer(self, call: Call) -> Answer:
        """The answer to one call; refusals in the form of whoever was called. On the request path only without requests
        of policies, which need a loop."""
        try:
            if found := _TOKEN.fullmatch(call.path):
                return self.sign_in.token(call, found["tenant"])
            if call.path.startswith(PREFIX):
                return _at_once(self.proxying.answer(call))
            if call.path.startswith("/api-export/"):
                return self.actions.blob(call, call.path.rpartition("/")[2])
            return self._managed(call)
        except ArmError as error:
            return error.answer()

    def _managed(self, call: Call) -> Answer:
        caller = self.sign_in.caller(call)
        left = self.throttle.count(caller, call.method)
        if "api-version" not in call.query:
            words = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(400, "MissingApiVersionParameter", words)
        if not may(caller, call.method):
            words = f"The client '{caller}' does not have authorization to perform action '{call.method} {call.path}'."
            raise ArmError(403, "AuthorizationFailed", words)
        answer = self._placed(call, caller)
        return Answer(answer.status, answer.body, {**answer.headers, **left})

    def _placed(self, call: Call, caller: str) -> Answer:
        if found := _OPERATION.fullmatch(call.path):
            ask = self.operations.status if found["way"].lower() == "statuses" else self.operations.result
            return ask(found["id"], call)
        found = _SERVICE.fullmatch(call.path)
        if found is None:
            raise missing("The resource")
        _check_place(found)
        rest = (found["rest"] or "").strip("/")
        if rest.lower() == _PERMISSIONS:
            return Answer(200, {"value": [RIGHTS[caller]]})
        if call.query["api-version"] != API_VERSION:
            words = f"No registered resource provider found for API version '{call.query['api-version']}'."
            raise ArmError(400, "NoRegisteredProviderFound", words)
        return self._served(call, tuple(rest.split("/")) if rest else ())

    def _served(self, call: Call, path: tuple[str, ...]) -> Answer:
        if not path:
            return self._service(call)
        if path[0].lower() == "reports":
            return self.reports.answer(call, path)
        if call.method == "POST":
            return self.actions.post(call, path)
        if call.method == "GET" and call.query.get("export", "").lower() == "true" and path[::2] == ("apis",):
            return self.actions.export(call, path)
        view = self.actions.view(call, path) if call.method == "GET" else None
        return view or self.resources.answer(call, path)

    def _service(self, call: Call) -> Answer:
        if call.method != "GET":
            raise ArmError(405, "MethodNotAllowed", "The service itself can only be read here.")
        properties = {
            "provisioningState": "Succeeded",
            "gatewayUrl": GATEWAY_URL,
            "publisherName": "Contoso",
            "publisherEmail": "apis@contoso.example",
        }
        told = {
            "id": BASE,
            "name": SERVICE,
            "type": "Microsoft.ApiManagement/service",
            "location": LOCATION,
            "sku": {"name": self.sku, "capacity": 1},
            "properties": properties,
        }
        return Answer(200, told)


def _check_place(found: re.Match[str]) -> None:
    if found["subscription"].lower() != SUBSCRIPTION:
        raise ArmError(404, "SubscriptionNotFound", f"The subscription '{found['subscription']}' could not be found.")
    if found["group"].lower() != RESOURCE_GROUP:
        raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{found['group']}' could not be found.")
    if found["service"].lower() != SERVICE:
        words = f"The Resource 'Microsoft.ApiManagement/service/{found['service']}' was not found."
        raise ArmError(404, "ResourceNotFound", words)


def _at_once(answering: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        answering.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        return answer
    answering.close()
    raise RuntimeError("a policy of this call asks another server: call the emulator over HTTP")


def _call(scope: Scope, body: bytes) -> Call:
    from urllib.parse import parse_qsl

    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
    origin = f"{scope.get('scheme', 'http')}://{headers.get('host', '127.0.0.1')}"
    return Call(scope["method"], scope["path"].rstrip("/") or "/", query, headers, body, origin)


async def _send(send: Send, answer: Answer) -> None:
    body = b"" if answer.body is None else _written(answer.body)
    headers = {"content-type": "application/json; charset=utf-8"} if body else {}
    named = {**headers, **{name.lower(): value for name, value in answer.headers.items()}}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    if answer.status != 204:
        raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if answer.status == 204 else body})


def _written(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
