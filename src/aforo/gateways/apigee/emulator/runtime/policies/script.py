"""JavaScript, in an engine for ES5: the documented objects `context`, `properties`, `crypto`, `httpClient`, `print`.

A script runs in a thread of its own, since it may wait for an answer. The engine cannot be interrupted: a script that
takes longer than its `timeLimit`, by what it computes and waits, fails when it is done.
"""

import asyncio
import hashlib
import json
import time
from typing import Any, Final

import dukpy
import httpx2

from ..bundle import Bundle, Policy
from ..faults import Fault
from ..machine import Background, Call
from ..surroundings import Surroundings

_FAILED: Final = "steps.javascript.ScriptExecutionFailed"
_LIMIT_MS: Final = 200.0
_PRELUDE: Final = """
var context = {
  getVariable: function (name) {
    var value = call_python('get', String(name));
    return value === undefined ? null : value;
  },
  setVariable: function (name, value) { call_python('set', String(name), value === undefined ? null : value); },
  removeVariable: function (name) { call_python('remove', String(name)); }
};
function print() { call_python('print', Array.prototype.slice.call(arguments).join(' ')); }
var crypto = (function () {
  function hash(kind) {
    return function () {
      var parts = '';
      return {
        update: function (text) { parts += text; },
        digest: function () { return call_python('digest', kind, parts); }
      };
    };
  }
  return {getMD5: hash('md5'), getSHA1: hash('sha1'), getSHA256: hash('sha256'), getSHA512: hash('sha512')};
})();
function Request(url, operation, headers, body) {
  this.url = url; this.method = operation || 'GET'; this.headers = headers || {}; this.body = body || '';
}
var httpClient = (function () {
  function Exchange(number) {
    var told = null;
    this.waitForComplete = function (limit) { told = call_python('wait', number, limit || 0); };
    this.isComplete = function () { return told !== null; };
    this.isSuccess = function () { return told !== null && !told.error; };
    this.isError = function () { return told !== null && !!told.error; };
    this.getError = function () { return told && told.error; };
    this.getResponse = function () { return told && told.error ? null : told; };
  }
  return {
    send: function (request, done) {
      var exchange = new Exchange(call_python('send', request.method, request.url, request.headers, request.body));
      if (done) {
        exchange.waitForComplete();
        done(exchange.getResponse(), exchange.getError());
      }
      return exchange;
    },
    get: function (url, done) { return this.send(new Request(url, 'GET'), done); }
  };
})();
"""


class Scripts:
    def __init__(self, around: Surroundings, background: Background) -> None:
        self._around = around
        self._background = background

    async def run(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        names = [policy.value("ResourceURL"), *(one.text or "" for one in policy.element.findall("IncludeURL"))]
        sources = [bundle.scripts.get(name.strip().removeprefix("jsc://")) for name in reversed(names)]
        if None in sources:
            raise Fault(_FAILED, f"{policy.name} names a script that is not in the bundle")
        told = policy.element.findall("Properties/Property")
        properties = {one.get("name"): (one.text or "").strip() for one in told}
        limit_ms = float(policy.element.get("timeLimit") or _LIMIT_MS)
        room = _Room(self, call, asyncio.get_running_loop(), limit_ms / 1000)
        source = "\n".join([_PRELUDE, f"var properties = {json.dumps(properties)};", *(str(one) for one in sources)])
        try:
            took = await asyncio.to_thread(room.execute, f"{source}\n;null")
        except dukpy.JSRuntimeError as fault:
            words = str(fault).splitlines()[0]
            raise Fault(_FAILED, f"Execution of {policy.name} failed with error: {words}") from None
        if took * 1000 > limit_ms:
            raise Fault(_FAILED, f"Execution of {policy.name} exceeded its time limit")

    async def send(self, method: str, url: str, headers: dict[str, str], body: str) -> dict[str, Any]:
        try:
            answer = await self._around.http(method, url, headers, body, 55)
        except httpx2.HTTPError as fault:
            return {"error": type(fault).__name__}
        return {"status": answer.status_code, "headers": dict(answer.headers), "content": answer.text}

    def start(self, task: "asyncio.Future[Any]") -> None:
        async def done() -> None:
            await task

        self._background.start(done())


class _Room:
    """What one script can reach; `execute` runs in a thread, the calls that it makes in the loop."""

    def __init__(self, scripts: Scripts, call: Call, loop: asyncio.AbstractEventLoop, limit: float) -> None:
        self._scripts = scripts
        self._call = call
        self._loop = loop
        self._limit = limit
        self._exchanges: list[Any] = []
        self._waited = 0.0

    def execute(self, source: str) -> float:
        """Seconds of work and of waiting; a machine that is busy with something else does not count."""
        begun = time.thread_time()
        engine = dukpy.JSInterpreter()
        flow = self._call.flow
        engine.export_function("get", flow.get)
        engine.export_function("set", flow.set)
        engine.export_function("remove", flow.remove)
        engine.export_function("print", lambda words: self._call.trace.append(f"print {words}"))
        engine.export_function("digest", lambda kind, words: hashlib.new(kind, words.encode()).hexdigest())
        engine.export_function("send", self._send)
        engine.export_function("wait", self._wait)
        engine.evaljs(source)
        return time.thread_time() - begun + self._waited

    def _send(self, method: str, url: str, headers: dict[str, str], body: str) -> int:
        future = asyncio.run_coroutine_threadsafe(self._scripts.send(method, url, headers, body), self._loop)
        self._loop.call_soon_threadsafe(lambda: self._scripts.start(asyncio.wrap_future(future)))
        self._exchanges.append(future)
        return len(self._exchanges) - 1

    def _wait(self, number: int, limit_ms: float) -> dict[str, Any]:
        begun = time.monotonic()
        try:
            told: dict[str, Any] = self._exchanges[int(number)].result(limit_ms / 1000 if limit_ms else self._limit)
        except TimeoutError:
            return {"error": "timeout"}
        finally:
            self._waited += time.monotonic() - begun
        return told
