"""ASGI layer of the api that gives a repeated POST its first answer; see first_answers."""

from collections.abc import MutableMapping
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from aforo.accounts import Door, Scope
from aforo.app.first_answers import FirstAnswers
from aforo.app.problems import answer as problem_answer
from aforo.app.storage_faults import storage_fault
from aforo.gateway_sdk.emulator import AsgiApp, Receive, Send, read_body
from aforo.gateway_sdk.emulator import Scope as AsgiScope
from aforo.kit.errors import AforoError, Invalid

_LONGEST_KEY: Final = 255


class IdempotentPosts:
    """ASGI layer of the api: answers a repeated POST with its first answer."""

    def __init__(self, app: AsgiApp, *, answers: FirstAnswers, door: Door) -> None:
        self._app = app
        self._answers = answers
        self._caller = door.caller(Scope.CONTROL_READ)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        body = await read_body(receive)
        try:
            caller = await self._caller(Request(scope))
            _check(key)
            tenant_id, key = caller.tenant_id, f"{caller.actor_id}\n{key}"  # an answer goes back to who asked for it
            first = await self._answers.claim(tenant_id, key, f"{scope['path']}\n".encode() + body)
        except (AforoError, SQLAlchemyError) as fault:
            told = fault if isinstance(fault, AforoError) else storage_fault(fault)
            if told is None:
                raise
            await problem_answer(told, scope["path"])(scope, receive, send)
            return
        if first is None:
            await self._first(scope, body, send, tenant_id, key)
        else:
            await _repeat(send, first)

    async def _first(self, scope: AsgiScope, body: bytes, send: Send, tenant_id: str, key: str) -> None:
        status, headers, parts = 500, list[list[str]](), list[bytes]()

        async def keep(message: MutableMapping[str, Any]) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [[name.decode(), value.decode()] for name, value in message["headers"]]
            else:
                parts.append(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, _replay(body), keep)
        finally:
            await self._answers.keep(tenant_id, key, status, headers, b"".join(parts))


def _key(scope: AsgiScope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith("/api/"):
        return None
    found = next((value for name, value in scope["headers"] if name == b"idempotency-key"), None)
    return found.decode("latin-1") if found is not None else None


def _check(key: str) -> None:
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise Invalid("The Idempotency-Key is too long.", (("/", f"1 to {_LONGEST_KEY} characters"),))


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _repeat(send: Send, first: dict[str, Any]) -> None:
    headers = [(name.encode(), value.encode()) for name, value in first["headers"]]
    headers.append((b"idempotent-replayed", b"true"))
    await send({"type": "http.response.start", "status": first["status"], "headers": headers})
    await send({"type": "http.response.body", "body": first["body"].encode()})
