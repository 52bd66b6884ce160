"""Runs what was uploaded to Lambda: each version in a child process of its own, which stays warm for the next event.

The child has the function's own variables, the standard library, and the rights of whoever runs the emulator: it is
no sandbox. One event at a time for each version; AWS would start more containers.
"""

import asyncio
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
import weakref
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from aforo.gateways.aws.emulator.moto_backend import Function, MotoBackend

_RUNNER: Final = str(Path(__file__).with_name("runner.py"))


class FunctionFailed(Exception):
    """The handler raised, ran too long or did not exist. `told` is its own message, which API Gateway looks at."""

    def __init__(self, told: str, *, kind: str = "") -> None:
        super().__init__(f"{kind}: {told}")
        self.told = told


@dataclass
class Functions:
    """All functions of the account. `invocations` counts by name."""

    moto: MotoBackend
    invocations: dict[str, int] = field(default_factory=dict)
    _containers: dict[tuple[str, str, str], "_Container"] = field(default_factory=dict)

    async def invoke(self, arn: str, event: object, *, by: str, source_arn: str) -> Any:
        """The handler's answer. Raises FunctionFailed, also where the function lets nobody call it for this source."""
        function = await self.moto.function(arn)
        if function is None:
            raise FunctionFailed("there is no such function", kind="ResourceNotFound")
        if not _permits(function, by, source_arn):
            raise FunctionFailed(f"{by} may not invoke it for {source_arn}", kind="AccessDenied")
        self.invocations[function.name] = self.invocations.get(function.name, 0) + 1
        return await asyncio.to_thread(self._run, function, arn, event)

    def log(self, name: str) -> str:
        """What a function has written, over all of its versions."""
        return "".join(one.log() for key, one in self._containers.items() if key[0] == name)

    def _run(self, function: Function, arn: str, event: object) -> Any:
        key = (function.name, function.version, function.digest)
        container = self._containers.get(key)
        if container is None or not container.is_alive():
            container = self._containers[key] = _Container(function)
        return container.invoke(arn, event, function.timeout_seconds)


class _Container:
    """One child process; it ends with this object, or when its stdin closes."""

    def __init__(self, function: Function) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="aforo-lambda-")
        code = Path(self._folder.name) / "code"
        with zipfile.ZipFile(BytesIO(function.code)) as archive:
            archive.extractall(code)
        self._written = Path(self._folder.name) / "log"
        with self._written.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - running what was uploaded is what it is for
                [sys.executable, "-I", "-S", _RUNNER, str(code), function.handler],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=_environment(function),
            )  # fmt: skip
        self._one_at_a_time = threading.Lock()
        weakref.finalize(self, _end, self._process, self._folder)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def log(self) -> str:
        return self._written.read_text(errors="replace")

    def invoke(self, arn: str, event: object, seconds: float) -> Any:
        asked = {"event": event, "arn": arn, "requestId": str(uuid4()), "seconds": seconds}
        with self._one_at_a_time:
            told = self._asked(json.dumps(asked).encode() + b"\n", seconds)
        if "error" in told:
            raise FunctionFailed(told["error"]["message"], kind=told["error"]["type"])
        return told["answer"]

    def _asked(self, line: bytes, seconds: float) -> Mapping[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        try:
            if stdin is None or stdout is None:
                raise OSError
            stdin.write(line)
            stdin.flush()
        except OSError as fault:
            raise FunctionFailed("the container has ended", kind="Runtime.ExitError") from fault
        read, ends = b"", time.monotonic() + seconds
        with selectors.DefaultSelector() as ready:
            ready.register(stdout, selectors.EVENT_READ)
            while not read.endswith(b"\n"):
                if not ready.select(max(0.0, ends - time.monotonic())):
                    self._process.kill()
                    raise FunctionFailed(f"Task timed out after {seconds:.2f} seconds", kind="Sandbox.Timedout")
                piece = os.read(stdout.fileno(), 65536)
                if not piece:
                    raise FunctionFailed("the container has ended", kind="Runtime.ExitError")
                read += piece
        found: Mapping[str, Any] = json.loads(read)
        return found


def _environment(function: Function) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "AWS_REGION": function.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        **function.variables,
    }


def _end(process: "subprocess.Popen[bytes]", folder: "tempfile.TemporaryDirectory[str]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    folder.cleanup()


def _permits(function: Function, by: str, source_arn: str) -> bool:
    """Whether the function's own policy lets this service call it for this source."""
    return any(
        statement.get("Effect") == "Allow"
        and statement.get("Principal", {}).get("Service") == by
        and statement.get("Resource") == function.asked_arn
        and fnmatchcase(source_arn, _source(statement))
        for statement in function.statements
    )


def _source(statement: Mapping[str, Any]) -> str:
    conditions = statement.get("Condition", {})
    named = conditions.get("ArnLike", {}).get("AWS:SourceArn") or conditions.get("StringEquals", {}).get(
        "AWS:SourceArn"
    )
    return str(named or "*").replace("[", "[[]")
