"""The emulator's front: takes a signed AWS call, checks who asks, and has it answered by us or by moto."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

from aforo.gateway_sdk.emulator import Receive, Scope, Send, StateFile, answer_json, read_body
from aforo.gateways.aws.emulator import http, rest
from aforo.gateways.aws.emulator.assume import Sts
from aforo.gateways.aws.emulator.calling import PREFIX, RequestPath
from aforo.gateways.aws.emulator.identity import Caller, Gate, check_rights, speaks_query
from aforo.gateways.aws.emulator.moto_backend import MotoBackend
from aforo.gateways.aws.emulator.operations import HTTP, REST, decode, encode, recognise
from aforo.gateways.aws.emulator.region import Record, Region
from aforo.gateways.aws.emulator.tagging import TARGET, with_ours
from aforo.gateways.aws.emulator.throttle import Throttle
from aforo.gateways.aws.emulator.wire import Answer, AwsError, Call, refused
from aforo.kit.clock import Clock

Handler = Callable[[Region, Mapping[str, Any]], Record]
HANDLERS: Mapping[str, Mapping[str, Handler]] = {REST: rest.HANDLERS, HTTP: http.HANDLERS}


@dataclass(slots=True)
class Switches:
    """What a test may turn, also by `POST /__aws__/switches` with a JSON object of the same names.

    throttle         enforce AWS's call limits
    page_size        at most so many items on a page, whatever is asked for; AWS's own most is 500
    session_seconds  sessions of assumed roles live no longer than this
    skew_seconds     the emulator's clock is so far ahead of the caller's
    """

    throttle: bool = False
    page_size: int = 500
    session_seconds: float | None = None
    skew_seconds: float = 0.0


class AwsEmulator:
    """An ASGI app. `data` is all there is to save; regions and moto's journal lie in it."""

    def __init__(self, state: StateFile, clock: Clock, switches: Switches) -> None:
        self._state = state
        self.clock = clock
        self.switches = switches
        self.data = {"sessions": {}, "journal": [], "regions": {}, **state.load()}
        self._throttle = Throttle(clock)
        self.moto = MotoBackend(self.data["journal"])
        self._gate = Gate(clock, self.data["sessions"], self.moto)
        self._sts = Sts(clock, self.data["sessions"], self.moto)
        self.request_path = RequestPath(self.moto, clock)

    def region(self, account_id: str, name: str) -> Region:
        """An account's API Gateway in a region; made on first use."""
        data = self.data["regions"].setdefault(f"{account_id}/{name}", {})
        return Region(account_id, name, self.clock, data, self.switches.page_size)

    def save(self) -> None:
        self._state.save(self.data)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["path"] == "/__aws__/switches" and scope["method"] == "POST":
            await self._turn(receive, send)
        elif scope["path"].startswith(PREFIX):
            regions = [self.region(*place.split("/")) for place in list(self.data["regions"])]
            await _send(send, await self.request_path.answer(regions, _call(scope, await read_body(receive))))
        else:
            answer = await self.answer(_call(scope, await read_body(receive)))
            await _send(send, answer)

    async def answer(self, call: Call) -> Answer:
        """The answer to one signed call; refusals in the wire form of the caller's protocol."""
        self._gate.skew_seconds = self.switches.skew_seconds
        self._sts.session_seconds = self.switches.session_seconds
        try:
            caller = await self._gate.admit(call)
            check_rights(call, caller)
            return await self._served(call, caller)
        except AwsError as error:
            return refused(error, query_protocol=speaks_query(call))

    async def _served(self, call: Call, caller: Caller) -> Answer:
        action = call.form.get("Action") if speaks_query(call) else None
        if caller.by.service == "sts" and action == "GetCallerIdentity":
            return self._sts.caller_identity(caller)
        if caller.by.service == "sts" and action == "AssumeRole":
            answer = await self._sts.assume_role(call, caller)
            self.save()
            return answer
        if caller.by.service == "apigateway":
            return await self._api_gateway(call, caller)
        return await self._by_moto(call, caller)

    async def _api_gateway(self, call: Call, caller: Caller) -> Answer:
        operation = recognise(call)
        if self.switches.throttle:
            limited = operation.name if operation and operation.api == REST else ""
            self._throttle.admit(caller.account_id, caller.by.region, limited)
        handler = HANDLERS[operation.api].get(operation.name) if operation else None
        if operation is None or handler is None:
            return await self._by_moto(call, caller)
        region = self.region(caller.account_id, caller.by.region)
        answer = encode(operation, handler(region, decode(operation, call)))
        if call.method != "GET":
            self.save()
        return answer

    async def _by_moto(self, call: Call, caller: Caller) -> Answer:
        before = len(self.data["journal"])
        answer = await self.moto.answer(call, caller.by)
        if call.headers.get("x-amz-target") == TARGET and answer.status == 200:
            answer = with_ours(answer, call, self.region(caller.account_id, caller.by.region))
        if len(self.data["journal"]) > before:
            self.save()
        return answer

    async def _turn(self, receive: Receive, send: Send) -> None:
        asked = json.loads(await read_body(receive) or b"{}")
        unknown = asked.keys() - asdict(self.switches).keys()
        if unknown:
            await answer_json(send, 400, {"message": f"no such switch: {', '.join(sorted(unknown))}"})
            return
        for name, value in asked.items():
            setattr(self.switches, name, value)
        await answer_json(send, 200, asdict(self.switches))


def _call(scope: Scope, body: bytes) -> Call:
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    path = (scope.get("raw_path") or scope["path"].encode()).decode().partition("?")[0]
    return Call(scope["method"], path, scope["query_string"].decode(), headers, body)


async def _send(send: Send, answer: Answer) -> None:
    """Every answer bears a request id, as AWS's do."""
    told = {"x-amzn-requestid": str(uuid4()), **answer.headers}
    headers = [(name.encode(), value.encode()) for name, value in told.items()]
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if answer.status == 204 else answer.body})


async def _live(receive: Receive, send: Send) -> None:
    """Start and stop under a server that announces both."""
    while True:
        stage = (await receive())["type"].removeprefix("lifespan.")
        await send({"type": f"lifespan.{stage}.complete"})
        if stage == "shutdown":
            return
