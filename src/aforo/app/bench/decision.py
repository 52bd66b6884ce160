"""A decision without HTTP: resolve, decide, reserve; then a batch of 50 with reading and writing its JSON."""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from aforo.app.bench import Figure, magnitude
from aforo.app.bench.check_stage import Stage, prepare
from aforo.app.edge.enforcement import OpenEnforcement
from aforo.enforcement import Enforcement, Log, answering, asking
from aforo.enforcement.service.parts import Who
from aforo.kit.clock import SystemClock

_COUNT: Final = 20_000
_BATCH: Final = 50
_DECISION_MICROS: Final = 10.0
_BATCH_MICROS: Final = 4.0
_TIMES: Final = 25.0


def measure(*, small: bool = False) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        stage = prepare(Path(folder))
        return asyncio.run(_measure(stage, small=small))


async def _measure(stage: Stage, *, small: bool) -> list[Figure]:
    opened = OpenEnforcement(stage.folder, SystemClock())
    await opened.start({})
    room, who = opened.room, Who(stage.tenant_id, Log.LIVE)
    body = stage.body()
    batch = b'{"checks":[' + b",".join([body] * _BATCH) + b"]}"
    loop = min([_loop_micros(body) for _ in range(3)])
    decision = min([await _decisions(room, who, body) for _ in range(3)])
    batched = min([await _batches(room, who, batch) for _ in range(3)])
    await opened.aclose()
    return [
        _figure("decision", decision, _DECISION_MICROS, loop, small=small),
        _figure("check in a batch of 50, JSON included", batched, _BATCH_MICROS, loop, small=small),
    ]


def _figure(name: str, micros: float, most: float, loop: float, *, small: bool) -> Figure:
    bar, holds = f"≤ {most:g} µs", micros <= most
    if small:
        bar, holds = magnitude(f"≤ {_TIMES:g} times"), micros <= _TIMES * loop
    return Figure(name, micros, "µs", "json.loads of the request, µs", loop, micros / loop, bar, holds)


async def _decisions(room: Enforcement, who: Who, body: bytes) -> float:
    call = asking.check(body, who)
    began = time.thread_time()
    for _ in range(_COUNT):
        await room.checks.check(who, call)
    took = time.thread_time() - began
    room.parts.reservations.expire(2**62)
    return took / _COUNT * 1e6


async def _batches(room: Enforcement, who: Who, body: bytes) -> float:
    encode, key = msgspec.json.Encoder().encode, room.parts.key
    began = time.thread_time()
    for _ in range(_COUNT // _BATCH):
        outcomes = [await room.checks.check(who, call) for call in asking.batch(body, who)]
        encode([answering.check_answer(outcome, who.tenant_id, key) for outcome in outcomes])
    took = time.thread_time() - began
    room.parts.reservations.expire(2**62)
    return took / _COUNT * 1e6


def _loop_micros(body: bytes) -> float:
    began = time.thread_time()
    for _ in range(_COUNT):
        json.loads(body)
    return (time.thread_time() - began) / _COUNT * 1e6
