"""What goes wrong between Aforo and a gateway: each a clear error, no secret shown, nothing lost."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from aforo.gateway_sdk.emulator import Fault
from aforo.kit.clock import HandClock
from tests.live import Aforo, aforo, emulated

TOKEN = "kpat_unique_and_never_to_be_shown_5f1c9d"


@contextmanager
def answering(status: int, content_type: str, body: bytes, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that gives every request the same answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


async def _failed_check(running: Aforo, address: str) -> dict[str, Any]:
    """Connect to an address with a token and test it; the line that failed."""
    body = {
        "name": "gw",
        "gateway": "kong",
        "signIn": "header_token",
        "settings": {"admin_url": address, "token": TOKEN},
    }
    made = await running.call("POST", "/api/v1/integrations", body, 201)
    answer = await running.http.post(f"/api/v1/integrations/{made['id']}/test")
    assert TOKEN not in answer.text
    assert not answer.json()["passed"]
    failed: dict[str, Any] = next(check for check in answer.json()["checks"] if check["verdict"] == "FAILED")
    assert failed["nextStep"], "an error says what to do next"
    kept = await running.call("GET", f"/api/v1/integrations/{made['id']}")
    assert kept["name"] == "gw", "a failed test loses nothing"
    return failed


async def test_an_address_where_nothing_listens_is_told_as_unreachable(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        assert (await _failed_check(running, "http://127.0.0.1:9"))["code"] == "gateway_unreachable"


async def test_a_name_that_does_not_resolve_is_told_as_unreachable(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        failed = await _failed_check(running, "http://no-such-host.invalid:8001")
        assert (failed["code"], "no-such-host.invalid" in failed["detail"]) == ("gateway_unreachable", True)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/html", b"<!doctype html><title>Welcome</title>"),
        (404, "text/html", b"<html><body>Not Found</body></html>"),
        (200, "application/json", b"this is no JSON"),
        (200, "application/json", b'{"hello": "world"}'),
        (200, "application/json", b"[1, 2, 3]"),
    ],
)
async def test_an_answer_that_is_not_this_gateways_api_is_told_as_a_wrong_address(
    tmp_path: Path, status: int, content_type: str, body: bytes
) -> None:
    async with aforo(tmp_path) as running:
        with answering(status, content_type, body) as address:
            assert (await _failed_check(running, address))["code"] == "gateway_not_an_api"


async def test_a_redirect_is_not_followed_with_the_secret(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        with answering(302, "text/plain", b"") as address:
            assert (await _failed_check(running, address))["code"] == "gateway_not_an_api"


async def test_a_certificate_that_nobody_trusts_is_told_before_any_credential_is_sent(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with aforo(tmp_path) as running:
        with answering(200, "application/json", b"{}", context) as address:
            failed = await _failed_check(running, address)
            assert failed["code"] == "gateway_tls_failed"
            assert "No credential was sent" in failed["detail"]


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://metadata.google.internal/",
        "http://169.254.170.2/v2/credentials",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0:8001/",
        "http://2852039166/",
    ],
)
async def test_a_metadata_or_link_local_address_is_never_called(tmp_path: Path, address: str) -> None:
    async with aforo(tmp_path) as running:
        assert (await _failed_check(running, address))["code"] == "target_refused"


@pytest.mark.parametrize("address", ["http://127.0.0.1:8001", "http://10.1.2.3:8001", "http://[::1]:8001"])
async def test_private_addresses_are_refused_where_aforo_itself_listens_for_others(
    tmp_path: Path, address: str
) -> None:
    async with aforo(tmp_path, host="0.0.0.0") as running:
        failed = await _failed_check(running, address)
        assert failed["code"] == "target_refused"
        assert "AFORO_ALLOW_PRIVATE_TARGETS" in failed["nextStep"]


async def test_a_wrong_token_is_told_as_refused(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        with emulated("kong", admin_token="the right one", token_header="Kong-Admin-Token") as gateway:
            assert (await _failed_check(running, gateway.url))["code"] == "gateway_auth_failed"


@pytest.mark.parametrize("path", ["/routes", "/plugins", "/upstreams"])
async def test_a_list_that_is_throttled_makes_the_preview_partial_and_nothing_stale(tmp_path: Path, path: str) -> None:
    async with aforo(tmp_path) as running:
        with emulated("kong") as gateway:
            integration_id = await running.connect(gateway)
            await running.import_all(integration_id)
            gateway.board.faults.append(Fault(429, times=9, path=path, headers={"Retry-After": "60"}))
            plan = await running.preview(integration_id)
            assert plan["partial"]
            assert plan["problems"][0]["code"] == "gateway_throttled"
            assert plan["summary"]["STALE"] == 0
            assert plan["summary"]["CHANGED"] == 0
            products = (await running.call("GET", "/api/v1/products"))["data"]
            assert len(products) == 12
            assert not [product for product in products if product["driftId"]]


async def test_a_body_that_is_cut_makes_the_preview_partial(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        with emulated("kong") as gateway:
            integration_id = await running.connect(gateway)
            await running.import_all(integration_id)
            gateway.board.faults.append(Fault(0, times=1, path="/routes", cut=True))
            plan = await running.preview(integration_id)
            assert (plan["partial"], plan["summary"]["STALE"], plan["summary"]["CHANGED"]) == (True, 0, 0)


async def _fails(call: Callable[[], Any], code: str) -> None:
    answer = await call()
    assert answer.json()["code"] == code, answer.text


async def test_after_five_failures_the_gateway_is_left_alone_and_probed_once_even_across_a_restart(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    with emulated("kong") as gateway:
        async with aforo(tmp_path, clock) as running:
            integration_id = await running.connect(gateway)
            preview = preview_of(running, integration_id)
            connected = len(gateway.board.log)

            def calls() -> int:
                return len(gateway.board.log) - connected

            gateway.board.faults.append(Fault(503, times=-1))
            for _ in range(5):
                await _fails(preview, "gateway_unavailable")
            assert calls() == 5
            clock.forward(299)
            for _ in range(20):
                await _fails(preview, "breaker_open")
            assert calls() == 5, "an open breaker makes no request"

        async with aforo(tmp_path, clock) as running:
            await _fails(preview_of(running, integration_id), "breaker_open")
            assert calls() == 5, "the breaker survives a restart"
            clock.forward(1)
            answers = await asyncio.gather(*(preview_of(running, integration_id)() for _ in range(8)))
            assert calls() == 6, "exactly one probe"
            codes = sorted(answer.json()["code"] for answer in answers)
            assert codes == ["breaker_open"] * 7 + ["gateway_unavailable"]
            clock.forward(299)
            await _fails(preview_of(running, integration_id), "breaker_open")
            assert calls() == 6, "after a failed probe it rests another 300 seconds"
            clock.forward(1)
            gateway.board.faults.clear()
            assert (await running.preview(integration_id))["summary"]["NEW"] == 12
            state = await running.call("GET", f"/api/v1/integrations/{integration_id}/breaker")
            assert (state["state"], state["consecutiveFailures"]) == ("CLOSED", 0)


def preview_of(running: Aforo, integration_id: str) -> Callable[[], Any]:
    return lambda: running.http.post("/api/v1/products/preview", json={"integrationId": integration_id})


async def test_an_operator_can_reset_an_open_breaker(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path, HandClock()) as running:
            integration_id = await running.connect(gateway)
            gateway.board.faults.append(Fault(503, times=5))
            for _ in range(5):
                await preview_of(running, integration_id)()
            answer = await preview_of(running, integration_id)()
            assert (answer.status_code, answer.json()["code"]) == (503, "breaker_open")
            assert int(answer.headers["Retry-After"]) == 300
            await running.call("POST", f"/api/v1/integrations/{integration_id}/breaker/reset", {"reason": "mended"})
            assert (await running.preview(integration_id))["summary"]["NEW"] == 12
            trail = (await running.call("GET", "/api/v1/audit"))["data"]
            assert "breaker.reset" in [entry["action"] for entry in trail]


async def test_a_restore_that_fails_half_way_says_what_stands_and_the_next_one_finishes_it(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        with emulated("kong") as gateway:
            integration_id = await running.connect(gateway)
            products = await running.import_all(integration_id)
            product = next(one for one in products if one["name"].startswith("payments"))
            await _remove_service(gateway.url, product["ref"])
            gateway.board.faults.append(Fault(503, times=1, after=1, method="PUT"))
            answer = await running.http.post(f"/api/v1/products/{product['id']}/restore", json={})
            assert (answer.status_code, answer.json()["code"]) == (502, "restore_incomplete")
            outcomes = [step["outcome"] for step in answer.json()["steps"]]
            failed = outcomes.index("FAILED")
            assert set(outcomes[:failed]) == {"DONE"}
            assert set(outcomes[failed + 1 :]) == {"NOT_TRIED"}
            again = await running.call("POST", f"/api/v1/products/{product['id']}/restore", {})
            assert {step["outcome"] for step in again["steps"]} == {"DONE"}
            assert (await running.preview(integration_id))["summary"]["UNCHANGED"] == 12


async def _remove_service(url: str, name: str) -> None:
    import httpx2

    async with httpx2.AsyncClient(base_url=url, trust_env=False) as admin:
        for route in (await admin.get(f"/services/{name}/routes")).json()["data"]:
            await admin.delete(f"/routes/{route['id']}")
        assert (await admin.delete(f"/services/{name}")).status_code == 204
