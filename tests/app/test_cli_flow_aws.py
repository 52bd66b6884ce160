"""The whole job through the command line on AWS: the emulated account runs as its own process, `aforo emulate aws`."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from aforo.app.cli.exits import Exit
from aforo.gateways.aws.emulator import REGION, sample_connection
from tests.app.test_cli_flow import Terminal, World, signed_in, terminal, world

__all__ = ["signed_in", "terminal", "world"]


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """The address of an emulated account with two APIs of two stages each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from aforo.app.cli import main; main(['emulate', 'aws', '--port', '{port}', '--products', '4'])"
    emulator = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        emulator.terminate()
        emulator.wait(20)


def test_connect_preview_import_edit_drift_restore_on_aws(
    world: World, account: str, terminal: Terminal, tmp_path: Path
) -> None:
    sign_in, settings = sample_connection(account)
    (tmp_path / "secret").write_text(settings["secret_access_key"])
    settings["secret_access_key"] = f"@{tmp_path / 'secret'}"
    sets = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    terminal.run("integrations", "add", "aws-prod", "--gateway", "aws", "--sign-in", sign_in, *sets)
    assert "aws-prod is connected" in terminal.out

    plan = terminal.json("products", "preview", "aws-prod")
    assert isinstance(plan["changes"], list)
    ref = next(row["ref"] for row in plan["changes"] if row["ref"].endswith("/prod"))
    terminal.run("products", "import", str(plan["planId"]), "--select", ref)

    stage = _Stage(account, ref)
    before = stage.backend()
    stage.point_to("elsewhere.example")
    changed = " ".join(terminal.run("products", "preview", "aws-prod", "--exit-code", ends=Exit.DIFFERS).split())
    assert "(configuration differs between gateway and Aforo)" in changed
    assert f'~ stage prod variables.backend "{before}" <- "elsewhere.example"' in changed
    terminal.run("products", "drift", ref, "--exit-code", ends=Exit.DIFFERS)

    terminal.run("products", "restore", ref, "--yes")
    assert "✓ done      update stage prod" in terminal.out
    assert stage.backend() == before
    terminal.run("products", "drift", ref, "--exit-code")


class _Stage:
    """A stage in the hands of an outsider with the vendor's own client."""

    def __init__(self, account: str, ref: str) -> None:
        _, settings = sample_connection(account)
        self._client: Any = boto3.client(
            "apigateway",
            region_name=REGION,
            endpoint_url=account,
            aws_access_key_id=settings["access_key_id"],
            aws_secret_access_key=settings["secret_access_key"],
        )
        name, self._stage = ref.split("/")
        apis = self._client.get_rest_apis()["items"]
        self._api = next(api["id"] for api in apis if api["name"] == name)

    def backend(self) -> str:
        return str(self._client.get_stage(restApiId=self._api, stageName=self._stage)["variables"]["backend"])

    def point_to(self, host: str) -> None:
        change = {"op": "replace", "path": "/variables/backend", "value": host}
        self._client.update_stage(restApiId=self._api, stageName=self._stage, patchOperations=[change])


def _wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the emulator did not start")
