"""The emulator answers as a real Kong 3.9.3 did: recorded calls are made again, in the same order."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.kong.emulator import create
from aforo.gateways.kong.emulator.proxy import Echo, Sent, Unreachable, UpstreamAnswer
from aforo.gateways.kong.emulator.schemas import ENTITIES, PLUGINS, Schema
from tests.shared_facts import shared

STORIES = ("services", "routes", "consumers", "plugins", "key-auth", "proxy", "defaults")
"""One after another on one node: later ones use what earlier ones left."""

_PLUGINS = Path(__file__).parent / "plugins"
"""The recorded node had a foreign plugin; one of the same behaviour is here, in Lua."""

_ITS_PATHS = "the paths that a plugin adds to the Admin API are not there"
EXCEPTIONS = {
    "plugins/047-custom-api-endpoint.json": _ITS_PATHS,
    "proxy/030-custom-plugin-counts.json": _ITS_PATHS,
}

_MOMENTS = {"created_at", "updated_at", "request_id", "x-kong-request-id"}
_PLACES = {
    "host",
    "x-forwarded-host",
    "x-forwarded-port",
    "via",
    "connection",
    "accept",
    "accept-encoding",
    "user-agent",
}


class Recorded:
    """One recorded call and its answer."""

    def __init__(self, story: str, folder: Path, file: str) -> None:
        exchange = json.loads((folder / file).read_text())
        self.name = f"{story}/{file}"
        self.request: dict[str, Any] = exchange["request"]
        self.response: dict[str, Any] = exchange["response"]

    @property
    def is_of_a_consumer(self) -> bool:
        """Whether the call went to the request path, not to the Admin API."""
        return self.name.startswith("proxy/") and "-admin-" not in self.name and "-counts" not in self.name


class Drawn:
    """The source of ids and keys that draws what the real node drew, so that orders and offsets can be compared."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {}

    def expect(self, body: object) -> None:
        self._body = body if isinstance(body, dict) else {}

    def id(self) -> str:
        return str(self._body.get("id", "ffffffff-ffff-4fff-8fff-ffffffffffff"))

    def key(self) -> str:
        return str(self._body.get("key") or self._body.get("config", {}).get("provision_key", "unexpected"))


def upstream(sent: Sent) -> UpstreamAnswer:
    """The upstream of the recording: an echo, a path that always fails, and a port where nobody listens."""
    if sent.port == 1:
        raise Unreachable(sent.host)
    if sent.uri == "/boom":
        return UpstreamAnswer(503, text="boom", headers={"content-type": "text/plain; charset=UTF-8"})
    return Echo()(sent)


def recordings() -> Iterator[Recorded]:
    for story in STORIES:
        folder = shared(f"kong-recorded/{story}")
        for line in (folder / "INDEX.tsv").read_text().splitlines()[1:]:
            yield Recorded(story, folder, line.split("\t")[0])


async def differences() -> dict[str, str]:
    """What differs, by recorded call; every call is made."""
    drawn = Drawn()
    app = create(
        StateFile(),
        plugin_folders=[_PLUGINS],
        upstream=upstream,
        now=lambda: 1_795_380_221.0,
        draw_id=drawn.id,
        draw_key=drawn.key,
    )
    found = {}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://kong") as client:
        for recorded in recordings():
            drawn.expect(recorded.response["body"])
            difference = _difference(recorded, await _call(client, recorded))
            found[recorded.name] = difference
    return found


async def _call(client: httpx2.AsyncClient, recorded: Recorded) -> httpx2.Response:
    request = recorded.request
    path = f"/proxy{request['path']}" if recorded.is_of_a_consumer else request["path"]
    body, headers = request.get("body"), dict(request.get("headers") or {})
    content = body if isinstance(body, str) else None if body is None else json.dumps(body)
    if content is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return await client.request(request["method"], path, content=content, headers=headers)


def _difference(recorded: Recorded, answered: httpx2.Response) -> str:
    """Empty when status and body are the same, and what the foreign plugin puts into the headers."""
    probed = {name.lower(): value for name, value in recorded.response["headers"].items()}.get("x-probe-meter")
    if answered.headers.get("x-probe-meter") != probed:
        return f"x-probe-meter {answered.headers.get('x-probe-meter')} for {probed}"
    if answered.status_code != recorded.response["status"]:
        return f"status {answered.status_code} for {recorded.response['status']}: {answered.text[:300]}"
    body = recorded.response["body"] or ""
    ours = answered.text if isinstance(body, str) else answered.json()
    expected, got = _comparable(body), _comparable(ours)
    return "" if expected == got else f"expected {expected}\n     got {got}"


def _comparable(value: Any) -> Any:
    """Without times, addresses and what every node draws anew."""
    if isinstance(value, dict):
        dropped = _MOMENTS | (_PLACES if "x-kong-request-id" in value else set())
        kept = {name: _comparable(member) for name, member in value.items() if name not in dropped}
        return {**kept, "secret": "drawn"} if "absolute_timeout" in value else kept
    if isinstance(value, list):
        return [_comparable(member) for member in value]
    return re.sub(r"request_id: \w+", "request_id", value) if isinstance(value, str) else value


async def test_every_recorded_call_is_answered_as_the_real_node_answered_it_but_for_the_stated_exceptions() -> None:
    found = await differences()
    differing = {name: difference for name, difference in found.items() if difference}
    unexpected = {name: difference for name, difference in differing.items() if name not in EXCEPTIONS}
    assert not unexpected, "\n".join(f"{name}: {difference}" for name, difference in unexpected.items())
    assert set(differing) == set(EXCEPTIONS), "an exception that is not needed any more"
    assert len(found) == 367, "recorded calls have come or gone: look at what they show"


def _schemas() -> list[tuple[str, Schema]]:
    named = {f"entities-{name}": schema for name, schema in ENTITIES.items()}
    return sorted({**named, **{f"plugins-{name}": schema for name, schema in PLUGINS.items()}}.items())


@pytest.mark.parametrize(("name", "schema"), _schemas())
async def test_a_schema_is_served_with_the_facts_that_the_real_node_serves(name: str, schema: Schema) -> None:
    recorded = json.loads((shared("kong-recorded/schemas") / f"{name}.json").read_text())
    path = name.replace("plugins-", "plugins/", 1).removeprefix("entities-")
    transport = httpx2.ASGITransport(create(StateFile()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://kong") as client:
        served = (await client.get(f"/schemas/{path}")).json()
    assert served == json.loads(json.dumps(schema))
    if name == "plugins-session":
        _drop_what_each_node_draws(served)
        _drop_what_each_node_draws(recorded)
    assert served == recorded


def _drop_what_each_node_draws(session: dict[str, Any]) -> None:
    """The session plugin's default secret is drawn when a node starts."""
    config = next(field["config"] for field in session["fields"] if "config" in field)
    del config["fields"][0]["secret"]["default"]


def test_there_is_a_schema_for_everything_that_was_recorded() -> None:
    assert {path.stem for path in shared("kong-recorded/schemas").glob("*.json")} == {name for name, _ in _schemas()}
