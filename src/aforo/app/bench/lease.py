"""A lease of 100 over HTTP, durable before its answer: the server's CPU per call that the lease covers."""

import tempfile
from pathlib import Path
from typing import Final

from aforo.app.bench import Figure, magnitude
from aforo.app.bench.check_stage import cpu_micros, prepare
from aforo.app.bench.edge_process import edge

_COUNT: Final = 1_000
_WANT: Final = 100
_MICROS: Final = 1.0


def measure(*, small: bool = False) -> list[Figure]:
    count = _COUNT // 5 if small else _COUNT
    with tempfile.TemporaryDirectory() as folder:
        stage = prepare(Path(folder))
        with edge(stage.folder) as (pid, port):
            check = cpu_micros(pid, port, stage.request("/v1/check", stage.body()), count)
            asked = stage.request("/v1/leases", stage.body(want=_WANT, nodeId="bench", epoch=1))
            lease = cpu_micros(pid, port, asked, count) / _WANT
    name = "lease of 100 over HTTP, CPU per call that it covers"
    bar, holds = f"≤ {_MICROS:g} µs", lease <= _MICROS
    if small:
        bar, holds = magnitude("a check costs ≥ 10 times as much"), check >= 10 * lease
    return [Figure(name, lease, "µs", "a check over HTTP, µs", check, check / lease, bar, holds)]
