"""The Lua plugins on a call's way: what they are given, and what they make of the answer."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ..answers import Answer
from ..store import Row
from ..worker import Failed, Worker, Workers
from ..worker.values import raw, raw_text
from ..worker.workers import config_of
from .guards import Passage

_UNEXPECTED = Answer(500, {"message": "An unexpected error occurred"})
_ERROR = 4
_JSON = "application/json; charset=utf-8"


class Plugged:
    """One call's Lua plugins, on one worker. Collected in access, they run in every later phase too."""

    def __init__(self, workers: Workers, worker: Worker, passage: Passage, begun: float) -> None:
        self._workers = workers
        self._worker = worker
        self._passage = passage
        self._collected: list[tuple[str, Any, str]] = []
        self._context = worker.table(_context(passage, begun))
        self._context["request"]["body"] = raw_text(passage.call.body)

    @property
    def any(self) -> bool:
        return bool(self._collected)

    def collect(self, row: Row) -> None:
        self._collected.append((row["name"], self._worker.table(config_of(row)), row["id"]))

    async def access(self, row: Row) -> Answer | None:
        """Run the plugin; the answer with which it ended the call, if it did."""
        self.collect(row)
        if "access" not in self._workers.installed[row["name"]].phases:
            return None
        self._tell_who()
        ended = await self._phase("access", self._collected[-1])
        if ended is None:
            return _UNEXPECTED
        return self._said(self._context["response"]) if ended else None

    def apply(self) -> None:
        """What plugins want the backend to get."""
        sent = self._context["sent"]
        for name, value in sent["headers"].items():
            if value is False:
                self._passage.hidden.add(str(name))
                self._passage.to_upstream.pop(str(name), None)
            else:
                self._passage.hidden.discard(str(name))
                self._passage.to_upstream[str(name)] = str(value)
        for member in ("path", "raw_query", "method", "body", "host", "port"):
            if sent[member] is not None:
                self._passage.overruled[member] = sent[member]

    async def finish(self, answer: Answer, source: str) -> Answer:
        """Run the later phases over an answer of this source: `service`, `exit` or `error`."""
        context, said = self._context, self._context["response"]
        body = answer.raw if answer.raw is not None else _bytes(answer)
        kind = {} if answer.body is None or answer.text is not None else {"content-type": _JSON}
        headers = {**kind, **answer.headers}
        context["source"] = source
        if source == "service":
            context["service_status"], context["service_headers"] = answer.status, self._worker.table(headers)
        said["status"], said["headers"] = answer.status, self._worker.table(headers)
        await self._each("header_filter")
        context["arg"] = self._arg(body)
        await self._each("body_filter")
        changed = raw(context["arg"][1] or "")
        context["var"]["bytes_sent"] = str(len(changed))
        await self._each("log")
        return Answer(said["status"], raw=changed, headers={k: str(v) for k, v in said["headers"].items()})

    def _arg(self, body: bytes) -> Any:
        """`ngx.arg`: the body, in one piece, which is the last."""
        chunk = self._worker.table({})
        chunk[1], chunk[2] = raw_text(body), True
        return chunk

    async def _each(self, phase: str) -> None:
        for one in self._collected:
            if phase in self._workers.installed[one[0]].phases:
                await self._phase(phase, one)

    async def _phase(self, phase: str, one: tuple[str, Any, str]) -> bool | None:
        """Whether the plugin ended the call; None if it failed, which error.log tells."""
        name, config, plugin_id = one
        self._context["plugin_id"] = plugin_id
        try:
            return await self._worker.phase(name, phase, config, self._context)
        except Failed as fault:
            self._workers.log(_ERROR, f"{phase} of plugin {name}: {fault}")
            return None

    def _tell_who(self) -> None:
        for member in ("consumer", "credential"):
            row = getattr(self._passage, member)
            if row is not None and self._context[member] is None:
                self._context[member] = self._worker.table(row)

    def _said(self, response: Any) -> Answer:
        headers = {str(name): str(value) for name, value in response["headers"].items()}
        return Answer(response["status"], raw=raw(response["body"] or ""), headers=headers)


def _bytes(answer: Answer) -> bytes:
    if answer.text is not None:
        return answer.text.encode()
    return b"" if answer.body is None else msgspec.json.encode(answer.body)


def _context(passage: Passage, begun: float) -> dict[str, Any]:
    call = passage.call
    query: dict[str, Any] = {}
    for name, value in parse_qsl(call.raw_query, keep_blank_values=True):
        query.setdefault(name, value)
    target = call.path + (f"?{call.raw_query}" if call.raw_query else "")
    length = len(call.method) + len(target) + 12 + len(call.body)
    length += sum(len(name) + len(value) + 4 for name, value in call.headers.items())
    request = {
        "method": call.method,
        "scheme": "http",
        "host": call.host,
        "port": 8000,
        "path": call.path,
        "raw_query": call.raw_query,
        "query": query,
        "version": 1.1,
        "client": call.client,
        "started": begun,
    }
    return {
        "request": {**request, "headers": dict(call.headers)},
        "var": {"request_uri": target, "remote_addr": call.client, "request_length": str(length), "uri": call.path},
        "route": passage.route,
        "service": passage.service,
        "sent": {"headers": {}},
        "response": {"status": 200, "headers": {}},
        "shared": {},
        "plugins": {},
        "ctx": {},
        "arg": {},
    }
