"""A real edge for the benches, as a process of its own."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast


@contextlib.contextmanager
def edge(data_dir: Path) -> Iterator[tuple[int, int]]:
    """Serve a prepared data folder; the process id, and the port once it listens."""
    command = [sys.executable, "-m", "aforo.app.edge", "--data-dir", str(data_dir), "--port", "0"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield child.pid, _port(cast("IO[str]", child.stderr))
    finally:
        child.terminate()
        child.communicate()


def _port(said: IO[str]) -> int:
    for line in said:
        if line.startswith("{") and "port" in (told := json.loads(line)):
            return int(told["port"])
    raise RuntimeError("the edge ended before it listened")
