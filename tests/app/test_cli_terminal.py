"""What a person sees at a real terminal (a pty): colour, questions, hidden secrets, progress, Ctrl-C."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from aforo.app.cli.exits import Exit
from tests.app.test_cli_connect import form_field, forms, outcome, sign_in
from tests.app.test_cli_render import CHANGED, preview
from tests.app.test_cli_wire import Wire, wire

__all__ = ["forms", "wire"]

SECRET = "typed-77c1f0"
RUNNING = {
    "id": "job_1",
    "state": "RUNNING",
    "done": 380,
    "about": 1000,
    "what": "products",
    "result": None,
    "error": None,
}


class Person:
    """Sits at a terminal of 80 columns before one command."""

    def __init__(self, screen: int, process: subprocess.Popen[bytes]) -> None:
        self._screen = screen
        self.process = process
        self.seen = ""

    def waits_for(self, words: str) -> None:
        """Everything up to some words; whitespace may have been folded."""
        self._read(lambda: words in " ".join(self.seen.split()))
        assert words in " ".join(self.seen.split()), self.seen

    def types(self, words: str) -> None:
        os.write(self._screen, f"{words}\n".encode())

    def watches_to_the_end(self) -> int:
        self._read(lambda: False)
        return self.process.wait(10)

    def _read(self, enough: Callable[[], bool]) -> None:
        until = time.monotonic() + 15
        while not enough() and time.monotonic() < until:
            ready, _, _ = select.select([self._screen], [], [], 0.1)
            if ready:
                try:
                    chunk = os.read(self._screen, 65536)
                except OSError:  # Linux's way to say that the other end is closed
                    return
                if not chunk:
                    return
                self.seen += chunk.decode()


@contextmanager
def at_terminal(*words: str, **environment: str) -> Iterator[Person]:
    screen, end = pty.openpty()
    code = "from aforo.app.cli import main; raise SystemExit(main())"
    given = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdin=end, stdout=end, stderr=end, env=given, start_new_session=True
    )
    os.close(end)
    try:
        yield Person(screen, process)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def test_what_is_missing_is_asked_for_and_a_secret_is_not_echoed(wire: Wire) -> None:
    with at_terminal("integrations", "add", "kong-prod", "--gateway", "kong") as person:
        person.waits_for("Sign-in:")
        person.types("header_token")
        person.waits_for("admin_url:")
        person.types("http://kong.example")
        person.waits_for("token:")
        person.types(SECRET)
        assert person.watches_to_the_end() == Exit.OK
    assert wire.bodies("POST /api/v1/integrations")[0]["settings"] == {
        "admin_url": "http://kong.example",
        "token": SECRET,
    }
    assert SECRET not in person.seen
    assert "http://kong.example" in person.seen


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_plan_is_coloured_unless_that_is_not_wanted(wire: Wire, environment: dict[str, str], coloured: bool) -> None:
    wire.on("GET /api/v1/products/previews/prev_1", preview(CHANGED))
    with at_terminal("products", "preview", "prev_1", **environment) as person:
        assert person.watches_to_the_end() == Exit.OK
    assert ("\x1b[33m" in person.seen) is coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", person.seen)
    assert "~ CHANGED: payments-v2 (configuration differs between gateway and Aforo)" in plain


def test_work_of_more_than_a_second_shows_counted_progress(wire: Wire) -> None:
    wire.on("POST /api/v1/products/preview", {"jobId": "job_1"}, status=202)
    wire.on("GET /api/v1/jobs/job_1", *[RUNNING] * 13, {**RUNNING, "state": "DONE", "result": preview(CHANGED)})
    with at_terminal("products", "preview", "kong-prod") as person:
        person.waits_for("380 of about 1,000 products")
        assert person.watches_to_the_end() == Exit.OK


def test_ctrl_c_leaves_the_job_and_says_how_to_find_it_again(wire: Wire) -> None:
    wire.on("POST /api/v1/products/preview", {"jobId": "job_1"}, status=202)
    wire.on("GET /api/v1/jobs/job_1", RUNNING)
    with at_terminal("products", "preview", "kong-prod") as person:
        person.waits_for("380 of about")
        person.process.send_signal(signal.SIGINT)
        assert person.watches_to_the_end() == Exit.INTERRUPTED
        assert "aforo jobs wait job_1" in " ".join(person.seen.split())
    assert not wire.bodies("POST /api/v1/jobs/job_1/cancel")


def test_a_restore_that_is_not_agreed_to_writes_nothing(wire: Wire) -> None:
    steps = [{"title": "update service a", "outcome": "PLANNED", "detail": ""}]
    plan = {"dryRun": True, "observed": "o", "steps": steps, "unrestorable": [], "leftAlone": []}
    seen = {"fields": [], "observed": "o", "gone": False, "ignored": [], "drift": None}
    wire.on("GET /api/v1/products/prod_1", {"id": "prod_1", "name": "payments", "integrationId": "int_1"})
    wire.on("GET /api/v1/products/prod_1/drift", seen)
    wire.on("GET /api/v1/integrations/int_1", {"name": "kong-prod"})
    wire.on("POST /api/v1/products/prod_1/restore", plan)
    with at_terminal("products", "restore", "prod_1") as person:
        person.waits_for("[y/N]")
        assert "update" in person.seen
        person.types("n")
        assert person.watches_to_the_end() == Exit.INTERRUPTED
    assert [body["dryRun"] for body in wire.bodies("POST /api/v1/products/prod_1/restore")] == [True]


def test_a_failed_test_of_a_connection_is_red_at_a_terminal(wire: Wire) -> None:
    wire.on("POST /api/v1/integrations/int_1/test", outcome("FAILED"))
    with at_terminal("integrations", "test", "kong-prod") as person:
        assert person.watches_to_the_end() == Exit.GATEWAY
    assert "\x1b[31m✗ failed" in person.seen


def test_a_single_sign_in_is_taken_without_asking(wire: Wire) -> None:
    role = {"key": "aws", "name": "AWS", "signIns": [sign_in("keys", form_field("region"))], "capabilities": {}}
    wire.on("GET /api/v1/gateways", {"data": [role], "nextCursor": None})
    with at_terminal("integrations", "add", "aws-prod") as person:
        person.waits_for("region:")
        person.types("eu-west-1")
        assert person.watches_to_the_end() == Exit.OK
    assert wire.bodies("POST /api/v1/integrations")[0]["signIn"] == "keys"
