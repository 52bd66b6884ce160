"""What the documentation tells people to type is there, and does what the page says."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from aforo.app.cli.program import program
from scripts.docs_reference import api_page, cli_page, errors_page
from tests.app.test_serve import free_ports, served
from tests.repository.documents import ROOT, Terminal, blocks, commands, environment, written

FOLLOWED = (
    "tutorial",
    "how-to/sell-an-api",
    "how-to/adopt-what-exists",
    "how-to/guard-margins",
    "how-to/people-and-keys",
)
"""In this order, each going on where the one before it ended."""


def test_every_command_in_the_documentation_exists_with_all_its_options() -> None:
    root = typer.main.get_command(program())
    wrong, looked_at = [], 0
    for page in written():
        for words in commands(page.read_text()):
            looked_at += 1
            if fault := _fault(root, words):
                wrong.append(f"{page.relative_to(ROOT)}: aforo {' '.join(words)}: {fault}")
    assert wrong == []
    assert looked_at > 50


def test_a_command_that_is_not_there_and_an_option_that_is_not_taken_are_found_out() -> None:
    root = typer.main.get_command(program())
    assert _fault(root, ["plan", "list"]) == "there is no plan"
    assert _fault(root, ["plans", "list", "--everything"]) == "it takes no --everything"
    assert _fault(root, ["plans", "list", "--json"]) == ""


def test_the_reference_has_every_command_every_operation_and_no_code_twice() -> None:
    told = cli_page()
    assert "\n## aforo enforcement deploy\n" in told
    assert "`--fail-mode MODE`" in told
    api = api_page()
    assert "\n### POST /api/v1/customers\n" in api
    assert "\n### POST /v1/ingest\n" in api
    assert "| `externalId` | string or null |" in api
    codes = re.findall(r"(?m)^\| `(\w+)` \|", errors_page())
    assert {"plan_stale", "gateway_timeout", "quota_exceeded"} <= set(codes)
    assert len(codes) == len(set(codes))


@pytest.mark.long
def test_the_tutorial_and_the_pages_that_go_on_from_it_do_what_they_say(tmp_path: Path) -> None:
    with served(tmp_path) as running, _emulated_kong() as emulator_port:
        port = int(running.api.rpartition(":")[2])
        told = {**environment(tmp_path), "AFORO_URL": running.api, "AFORO_API_KEY": running.admin_key}
        terminal = Terminal(ROOT, port, emulator_port, told)
        printed: dict[str, str] = {}
        for page in FOLLOWED:
            for block in blocks((ROOT / "docs" / f"{page}.md").read_text()):
                if not re.search(r"make run|emulate kong|^export ", block):
                    status, said = terminal.type(block)
                    assert status == 0, f"{page}:\n{block}\n{said}"
                    printed[block] = said
        calls = next(said for block, said in printed.items() if "for call in" in block)
        assert re.findall(r"HTTP/1\.1 (\d+)", calls) == ["200"] * 5 + ["429"]
        assert "X-Aforo-Remaining: 4".lower() in calls.lower()


def _fault(root: Any, words: list[str]) -> str:
    """What is wrong with a command; empty where it stands as the program has it."""
    command, left = root, list(words)
    while (below := getattr(command, "commands", None)) is not None and left and not left[0].startswith("-"):
        if left[0] not in below:
            return f"there is no {left[0]}"
        command = below[left.pop(0)]
    taken = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "--version"}
    asked = [word.partition("=")[0] for word in left if re.match(r"--?[a-z]", word)]
    return next((f"it takes no {option}" for option in asked if option not in taken), "")


@contextlib.contextmanager
def _emulated_kong() -> Iterator[int]:
    (port,) = free_ports(1)
    command = [str(Path(sys.executable).with_name("aforo")), "emulate", "kong", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ})
    try:
        assert process.stdout
        assert str(port) in process.stdout.readline()
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=20)
