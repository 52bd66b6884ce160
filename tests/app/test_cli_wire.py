"""What the commands send and how they end, against a small real server that answers hand-written wire JSON."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aforo.app.cli import main
from aforo.app.cli.exits import Exit

KEY = "sk_test_0123456789012345678901234567890123456789"
INTEGRATION = {
    "id": "int_1",
    "name": "kong-prod",
    "gateway": "kong",
    "signIn": "none",
    "settings": {},
    "facts": {"external_id": "e-1"},
    "emulated": False,
    "health": "HEALTHY",
    "breaker": "CLOSED",
    "createdAt": "2026-11-22T14:02:00Z",
    "lastTest": None,
}


def product(number: int, ref: str, name: str = "payments", **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "version": None,
        "integrationId": "int_1",
        "recordVersion": 1,
        "driftId": None,
        "ignored": [],
    }
    return {"id": f"prod_{number}", "ref": ref, "name": name, **known, **more}


@dataclass
class Wire:
    """Answers by method and path; the last of several answers stays. Keeps what was asked."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def on(self, call: str, *answers: Any, status: int = 200) -> None:
        self.answers[call] = [answer if isinstance(answer, tuple) else (status, answer) for answer in answers]

    def fails(self, call: str, status: int, code: str, detail: str = "It did not work.", **more: Any) -> None:
        told = {"type": f"urn:aforo:problem:{code}", "title": "No", "status": status, "detail": detail, "code": code}
        self.on(call, told | more, status=status)

    def bodies(self, call: str) -> list[dict[str, Any]]:
        return [body for asked, body in self.asked if asked == call]


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    told = Wire()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = f"{self.command} {parts.path}"
            told.asked.append((call, json.loads(body) if body else dict(parse_qs(parts.query))))
            told.headers.append(dict(self.headers))
            unknown = (404, {"title": "No", "status": 404, "detail": f"No {call}.", "code": "not_found"})
            kept = told.answers.get(call, [unknown])
            status, answer = kept.pop(0) if len(kept) > 1 else kept[0]
            raw = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(answer, str) else "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815  the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's own name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("AFORO_URL", told.url)
    monkeypatch.setenv("AFORO_API_KEY", KEY)
    told.on("GET /api/v1/integrations", {"data": [INTEGRATION], "nextCursor": None})
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "unreadable", Exit.INVALID),
        (401, "unauthenticated", Exit.NOT_SIGNED_IN),
        (403, "missing_scope", Exit.NOT_SIGNED_IN),
        (404, "not_found", Exit.NOT_FOUND),
        (409, "plan_stale", Exit.CONFLICT),
        (412, "gateway_changed", Exit.CONFLICT),
        (422, "invalid", Exit.INVALID),
        (500, "internal", Exit.UNEXPECTED),
        (502, "gateway_auth_failed", Exit.GATEWAY),
        (503, "breaker_open", Exit.GATEWAY),
        (503, "overloaded", Exit.NO_AFORO),
    ],
)
def test_each_kind_of_failure_has_its_exit_code_and_says_the_code(
    wire: Wire, capsys: pytest.CaptureFixture[str], status: int, code: str, exit_code: Exit
) -> None:
    wire.fails("POST /api/v1/products/import", status, code)
    assert main(["products", "import", "prev_1", "--select", "a"]) == exit_code
    told = capsys.readouterr()
    assert told.out == ""
    assert f"({code}, exit {exit_code.value})" in told.err
    assert "It did not work." in told.err


def test_with_json_an_error_is_the_problem_itself_on_standard_error(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.fails("POST /api/v1/products/import", 409, "plan_stale", "Changed. Nothing was applied.")
    assert main(["products", "import", "prev_1", "--select", "a", "--json"]) == Exit.CONFLICT
    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err)["code"] == "plan_stale"


def test_with_json_only_the_apis_json_is_printed(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["integrations", "list", "--json"]) == Exit.OK
    told = capsys.readouterr()
    assert json.loads(told.out) == {"data": [INTEGRATION], "nextCursor": None}
    assert told.err == ""


def test_nothing_listening_is_told_apart_from_everything_else(capsys: pytest.CaptureFixture[str], wire: Wire) -> None:
    assert main(["integrations", "list", "--url", "http://127.0.0.1:1"]) == Exit.NO_AFORO
    assert "aforo serve" in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["<html>Sign in</html>", [], {"message": "no Route matched"}])
def test_something_that_is_not_aforo_is_recognized(
    wire: Wire, capsys: pytest.CaptureFixture[str], answer: object
) -> None:
    wire.on("GET /api/v1/me", answer, status=404 if isinstance(answer, dict) else 200)
    assert main(["whoami"]) == Exit.NO_AFORO
    assert "not how Aforo answers" in capsys.readouterr().err


def test_without_a_key_nothing_is_sent(
    wire: Wire, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AFORO_API_KEY")
    assert main(["integrations", "list"]) == Exit.NOT_SIGNED_IN
    assert "aforo login" in capsys.readouterr().err
    assert wire.asked == []


def test_an_address_that_is_none_is_refused(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["whoami", "--url", "aforo.example"]) == Exit.USAGE
    assert "http://" in capsys.readouterr().err


def test_a_proxy_of_the_environment_does_not_see_the_key(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert main(["integrations", "list", "--json"]) == Exit.OK
    assert wire.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_a_name_that_two_products_have_is_refused_with_the_candidates(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [product(1, "a"), product(2, "b")]
    wire.on("GET /api/v1/products", {"data": rows, "nextCursor": None})
    assert main(["products", "remove", "payments", "--yes"]) == Exit.USAGE
    told = capsys.readouterr().err
    assert "prod_1" in told
    assert "prod_2" in told
    assert not wire.bodies("DELETE /api/v1/products/prod_1")


def test_a_ref_is_found_on_a_later_page(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    pages = {"data": [product(1, "a")], "nextCursor": "n"}, {"data": [product(2, "b")], "nextCursor": None}
    wire.on("GET /api/v1/products", *pages)
    wire.on("GET /api/v1/products/prod_2/versions", {"data": [], "nextCursor": None})
    assert main(["products", "versions", "b", "--json"]) == Exit.OK
    assert wire.bodies("GET /api/v1/products")[1]["cursor"] == ["n"]


def test_gateway_work_is_asked_for_as_a_job_and_followed_to_its_result(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    job = {"id": "job_1", "state": "RUNNING", "done": 1, "about": 2, "what": "products", "result": None, "error": None}
    found = {"data": [], "partial": False, "problems": [], "notes": [], "nextCursor": None}
    wire.on("GET /api/v1/products/discover", {"jobId": "job_1"}, status=202)
    wire.on("GET /api/v1/jobs/job_1", job, job, {**job, "state": "DONE", "result": found})
    assert main(["products", "discover", "kong-prod", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == found
    assert {"respond-async"} == {sent["Prefer"] for sent in wire.headers if "Prefer" in sent}


@pytest.mark.parametrize(
    ("state", "error", "exit_code", "code"),
    [
        ("FAILED", {"status": 502, "code": "gateway_timeout"}, Exit.GATEWAY, "gateway_timeout"),
        ("CANCELLED", None, Exit.UNEXPECTED, "job_cancelled"),
        ("INTERRUPTED", None, Exit.UNEXPECTED, "job_interrupted"),
    ],
)
def test_a_job_that_ends_badly_ends_the_command_so(
    wire: Wire, capsys: pytest.CaptureFixture[str], state: str, error: object, exit_code: Exit, code: str
) -> None:
    job = {"id": "job_1", "state": state, "done": 0, "about": None, "what": "", "result": None, "error": error}
    wire.on("GET /api/v1/products/discover", {"jobId": "job_1"}, status=202)
    wire.on("GET /api/v1/jobs/job_1", job)
    assert main(["products", "discover", "kong-prod"]) == exit_code
    assert code in capsys.readouterr().err


def test_a_restore_sends_what_the_dry_run_observed_so_that_a_race_is_refused(wire: Wire) -> None:
    plan = {"dryRun": True, "observed": "o-1", "steps": [], "unrestorable": [], "leftAlone": []}
    steps = [{"title": "update service a", "outcome": "PLANNED", "detail": ""}]
    seen = {"fields": [], "observed": "o-1", "gone": False, "ignored": [], "drift": None}
    wire.on("GET /api/v1/products/prod_1", product(1, "a"))
    wire.on("GET /api/v1/products/prod_1/drift", seen)
    wire.on("GET /api/v1/integrations/int_1", INTEGRATION)
    wire.on("POST /api/v1/products/prod_1/restore", {**plan, "steps": steps}, {**plan, "steps": [], "dryRun": False})
    assert main(["products", "restore", "prod_1", "--remove", "/plugin/cors", "--yes"]) == Exit.OK
    dry, real = wire.bodies("POST /api/v1/products/prod_1/restore")
    assert dry == {"version": None, "remove": ["/plugin/cors"], "dryRun": True, "observed": "o-1"}
    assert real == {**dry, "dryRun": False}


def test_where_nobody_can_be_asked_a_restore_needs_yes(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [{"title": "update service a", "outcome": "PLANNED", "detail": ""}]
    plan = {"dryRun": True, "observed": "o", "steps": steps, "unrestorable": [], "leftAlone": []}
    wire.on("GET /api/v1/products/prod_1", product(1, "a"))
    wire.on("GET /api/v1/integrations/int_1", INTEGRATION)
    wire.on("POST /api/v1/products/prod_1/restore", plan)
    assert main(["products", "restore", "prod_1", "--version", "1"]) == Exit.USAGE
    assert "--yes" in capsys.readouterr().err
    assert [body["dryRun"] for body in wire.bodies("POST /api/v1/products/prod_1/restore")] == [True]


@pytest.mark.parametrize(
    ("gone", "counts", "flag", "exit_code"),
    [
        (False, True, ["--exit-code"], Exit.DIFFERS),
        (True, False, ["--exit-code"], Exit.DIFFERS),
        (False, False, ["--exit-code"], Exit.OK),
        (False, True, [], Exit.OK),
    ],
)
def test_drift_tells_by_its_exit_code_when_asked(
    wire: Wire, gone: bool, counts: bool, flag: list[str], exit_code: Exit
) -> None:
    change: dict[str, Any] = {
        "path": "/target/a",
        "kind": "FOREIGN",
        "before": None,
        "after": {},
        "secret": False,
        "counts": counts,
    }
    view = {"fields": [change], "observed": "o", "gone": gone, "ignored": [], "drift": None}
    wire.on("GET /api/v1/products/prod_1", product(1, "a"))
    wire.on("GET /api/v1/products/prod_1/drift", view)
    assert main(["products", "drift", "prod_1", *flag]) == exit_code


def test_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == Exit.OK
    told = capsys.readouterr().out.split("Exit codes:")[1].split()
    assert {str(code.value) for code in Exit} <= set(told)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom aforo.app.cli import main\nmain(['products', '--help'])\n"
        "heavy = {'rich', 'httpx2', 'fastapi', 'sqlalchemy', 'boto3', 'moto', 'cryptography'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
