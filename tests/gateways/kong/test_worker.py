"""The emulator runs any Lua plugin, and refuses what nginx refuses."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.emulator import AsgiApp, Receive, Scope, Send, StateFile, answer_json, read_body
from aforo.gateways.kong.emulator import KongEmulator, create
from tests.gateways.kong.metered import eventually
from tests.live import serving

_SCHEMA = """
return { name = "%s", fields = { { config = { type = "record", required = true, fields = {
  { url = { type = "string" } }, { word = { type = "string", default = "none", referenceable = true } } } } } } }
"""


class Node:
    """One node with one service, and plugins written by the test."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.app: KongEmulator = create(StateFile(), plugin_folders=[folder], **options)
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url="http://kong")

    def write(self, handler: str, name: str = "mine", priority: int = 100) -> None:
        place = self.folder / "kong" / "plugins" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "schema.lua").write_text(_SCHEMA % name)
        (place / "handler.lua").write_text(
            f"local P = {{ PRIORITY = {priority}, VERSION = '1' }}\n{handler}\nreturn P\n"
        )

    async def open(self, *plugins: str, **config: Any) -> None:
        for method, path, body in [
            ("PUT", "/services/s", {"url": "http://s.internal/base"}),
            ("PUT", "/services/s/routes/r", {"paths": ["/s"]}),
            *(("POST", "/services/s/plugins", {"name": name, "config": config}) for name in plugins or ("mine",)),
        ]:
            made = await self.http.request(method, path, json=body)
            assert made.status_code < 300, f"{made.text} {list(self.app.workers.log.lines)}"

    async def call(self) -> httpx2.Response:
        return await self.http.get("/proxy/s")

    def errors(self) -> str:
        return "\n".join(self.app.workers.log.at("err"))


@pytest.mark.parametrize("phase", ["header_filter", "body_filter", "log", "init_worker"])
@pytest.mark.parametrize("waits", ["ngx.sleep(0)", 'require("resty.http").new():request_uri("http://127.0.0.1:1/")'])
async def test_what_waits_is_refused_in_phases_that_cannot_wait(tmp_path: Path, phase: str, waits: str) -> None:
    node = Node(tmp_path)
    node.write(f"function P:{phase}() {waits} end")
    await node.open()
    assert (await node.call()).status_code == 200
    assert f"API disabled in the context of {phase}_by_lua*" in node.errors()


async def test_a_function_of_the_kit_is_refused_outside_of_its_phases(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.write("function P:log() kong.response.set_header('a', 'b') end")
    await node.open()
    await node.call()
    assert "function 'kong.response.set_header' cannot be called in log phase" in node.errors()


async def test_phases_run_in_order_by_priority_and_later_ones_also_after_a_refusal(tmp_path: Path) -> None:
    node = Node(tmp_path)
    both = "\n".join(
        f"function P:{phase}() kong.ctx.shared.told = (kong.ctx.shared.told or '') .. '%s{phase} ' end"
        for phase in ("access", "header_filter")
    )
    node.write(both.replace("%s", "first-"), "first", priority=20)
    node.write(
        "function P:access() return kong.response.exit(418, { told = kong.ctx.shared.told }) end\n"
        "function P:body_filter() ngx.arg[1] = ngx.arg[1] .. kong.ctx.shared.told .. kong.response.get_source() end",
        "second",
        priority=10,
    )
    node.write("function P:access() error('is never run') end", "third", priority=5)
    await node.open("third", "first", "second")
    answer = await node.call()
    assert (answer.status_code, answer.text) == (418, '{"told":"first-access "}first-access first-header_filter exit')
    assert node.errors() == ""
    assert node.app.requests.backend_calls.total() == 0


async def test_a_plugin_that_fails_in_access_is_kongs_own_error_and_is_logged(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.write("function P:access() local nothing = nil; return nothing.member end")
    await node.open()
    answer = await node.call()
    assert (answer.status_code, answer.json()) == (500, {"message": "An unexpected error occurred"})
    assert "attempt to index local 'nothing'" in node.errors()


@pytest.fixture
def backend() -> Iterator[str]:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        body = (await read_body(receive)).decode()
        await answer_json(send, 203, {"method": scope["method"], "path": scope["path"], "body": body})

    app: AsgiApp = echo
    with serving(app) as url:
        yield url


async def test_http_goes_over_real_sockets_also_from_a_plugins_own_coroutine(tmp_path: Path, backend: str) -> None:
    node = Node(tmp_path)
    node.write(
        "function P:access(conf)\n"
        " local ask = coroutine.wrap(function(path)\n"
        "  local answer = require('resty.http').new():request_uri(conf.url .. path, { method = 'POST', body = 'x' })\n"
        "  coroutine.yield(answer.status .. answer.body)\n"
        " end)\n"
        " return kong.response.exit(200, ask('/there'))\nend"
    )
    await node.open(url=backend)
    assert (await node.call()).text == '203{"method": "POST", "path": "/there", "body": "x"}'


async def test_a_service_on_this_machine_is_really_called(tmp_path: Path, backend: str) -> None:
    node = Node(tmp_path)
    node.write("function P:access() kong.service.request.set_path('/other') end")
    await node.open()
    await node.http.patch("/services/s", json={"url": backend})
    answer = await node.call()
    assert (answer.status_code, answer.json()["path"]) == (203, "/other")


async def test_nobody_at_the_other_end_is_a_value_and_no_error(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.write(
        "function P:access()\n"
        " local answer, fault = require('resty.http').new():request_uri('http://127.0.0.1:1/')\n"
        " return kong.response.exit(200, tostring(answer) .. ' ' .. fault)\nend"
    )
    await node.open()
    assert (await node.call()).text == "nil connection refused"


async def test_timers_run_beside_requests_and_workers_share_memory_but_not_variables(tmp_path: Path) -> None:
    node = Node(tmp_path, workers=2, shared={"own": 10_000})
    node.write(
        "local mine = 0\n"
        "function P:init_worker()\n"
        " local own = ngx.shared.own\n"
        " ngx.timer.at(0.01, function(_, word) own:incr('timers', 1, 0); own:set(word, 1) end, 'w')\n"
        "end\n"
        "function P:access()\n mine = mine + 1\n"
        " return kong.response.exit(200, { mine, ngx.shared.own:incr('all', 1, 0), ngx.worker.id() })\nend"
    )
    await node.open()
    assert sorted([(await node.call()).json() for _ in range(4)]) == [[1, 1, 0], [1, 2, 1], [2, 3, 0], [2, 4, 1]]
    own = node.app.workers.shared["own"]

    async def ran() -> bool:
        return (own.get("timers"), own.get("w")) == (2, 1)

    assert await eventually(ran)


async def test_code_that_changes_is_taken_up_and_timers_of_the_old_run_a_last_time(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.write(
        "function P:init_worker()\n"
        " ngx.timer.at(60, function(premature) ngx.shared.kong:set('ended', premature) end)\nend\n"
        "function P:access() return kong.response.exit(200, 'old') end"
    )
    await node.open()
    assert (await node.call()).text == "old"
    node.write("function P:access() return kong.response.exit(200, 'newer') end")
    assert (await node.call()).text == "newer"
    assert node.app.workers.shared["kong"].get("ended") is True


async def test_a_reference_into_the_environments_vault_is_read_for_the_plugin_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD_OF_TEST", "open sesame")
    node = Node(tmp_path)
    node.write("function P:access(conf) return kong.response.exit(200, conf.word) end")
    await node.open(word="{vault://env/word-of-test}")
    assert (await node.call()).text == os.environ["WORD_OF_TEST"]
    assert "sesame" not in (await node.http.get("/plugins")).text


async def test_a_plugin_that_cannot_be_loaded_is_not_there_and_the_log_says_why(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.write("this is no Lua")
    assert "mine" not in (await node.http.get("/")).json()["plugins"]["available_on_server"]
    assert "plugin mine cannot be loaded" in node.errors()
