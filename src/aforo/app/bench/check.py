"""A check over HTTP: the server's CPU per request, beside a static answer of the same server and FastAPI's."""

import tempfile
from pathlib import Path
from typing import Final

from aforo.app.bench import Figure, magnitude
from aforo.app.bench.check_stage import cpu_micros, prepare, reference
from aforo.app.bench.edge_process import edge

_COUNT: Final = 6_000
_COUNT_SMALL: Final = 1_000
_MICROS: Final = 100.0
_TIMES: Final = 3.0


def measure(*, small: bool = False) -> list[Figure]:
    count = _COUNT_SMALL if small else _COUNT
    with tempfile.TemporaryDirectory() as folder:
        stage = prepare(Path(folder))
        asked = stage.request("/v1/check", stage.body())
        with edge(stage.folder) as (pid, port):
            static = cpu_micros(pid, port, stage.request("/healthz", b"", "GET"), count)
            ours = cpu_micros(pid, port, asked, count)
        with reference(stage) as (pid, port):
            theirs = cpu_micros(pid, port, asked, count)
    name, unit = "check over HTTP, CPU of the server", "µs"
    bar = f"≤ {_MICROS:g} µs, ≥ {_TIMES:g} times fewer than FastAPI"
    holds = ours <= _MICROS and theirs / ours >= _TIMES
    if small:
        bar, holds = magnitude("fewer than FastAPI"), theirs > ours
    return [
        Figure(name, ours, unit, "the same check in FastAPI, µs", theirs, theirs / ours, bar, holds),
        Figure(name, ours, unit, "a static answer of the same server, µs", static, ours / static, "none", holds=True),
    ]
