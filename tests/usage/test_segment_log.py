"""The segment log: nothing acknowledged is lost, nothing refused is kept, whatever the disk does."""

import asyncio
import errno
import inspect
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.kit.errors import Conflict, Overloaded
from aforo.usage import LogReader, SegmentLog
from aforo.usage.errors import LogDamaged, LogUnavailable
from aforo.usage.segment_log.frame import HEAD, Position
from aforo.usage.segment_log.manifest import load, segment_path


def payloads(folder: Path) -> list[bytes]:
    reader = LogReader(folder)
    forwards = [frame.payload for number in reader.segments() for frame in reader.forwards(number)]
    assert [frame.payload for frame in reader.backwards()] == forwards[::-1]
    return forwards


def held_by(gate: threading.Event) -> Callable[[int], None]:
    """A sync that does nothing until the gate opens."""

    def sync(_handle: int) -> None:
        gate.wait()

    return sync


async def filled(folder: Path, *some: bytes, segment_bytes: int = 2**20) -> list[Position]:
    log = SegmentLog(folder, segment_bytes=segment_bytes)
    positions = [await log.append(payload) for payload in some]
    await log.aclose()
    return positions


async def test_what_was_appended_reads_back_in_order_over_segments_and_restarts(tmp_path: Path) -> None:
    some = [bytes([n]) * (n * 7 + 1) for n in range(60)]
    positions = await filled(tmp_path, *some[:40], segment_bytes=500)
    positions += await filled(tmp_path, *some[40:], segment_bytes=500)
    assert payloads(tmp_path) == some
    assert positions == sorted(positions)
    assert len(load(tmp_path).closed) > 10


async def test_reading_backwards_can_begin_anywhere(tmp_path: Path) -> None:
    some = [bytes([n]) * 90 for n in range(30)]
    positions = await filled(tmp_path, *some, segment_bytes=400)
    reader = LogReader(tmp_path)
    for number, position in enumerate(positions):
        assert [frame.payload for frame in reader.backwards(position)] == some[:number][::-1]


async def test_a_tail_torn_at_any_byte_is_cut_and_all_before_it_stays(tmp_path: Path) -> None:
    await filled(tmp_path / "whole", b"first", b"second")
    whole = segment_path(tmp_path / "whole", 1).read_bytes()
    last = len(whole) - len(b"second") - 8
    for cut in range(last, len(whole) + 1):
        for filler in (b"", b"\0" * 40, b"\xa5" * 40) if cut < len(whole) else (b"",):
            await _cut_and_continue(tmp_path / f"{cut}-{filler[:1].hex()}", whole[:cut] + filler, cut == len(whole))


async def _cut_and_continue(folder: Path, torn: bytes, is_whole: bool) -> None:
    await filled(folder, b"x")
    segment_path(folder, 1).write_bytes(torn)
    kept = [b"first", b"second"] if is_whole else [b"first"]
    assert payloads(folder) == kept, "a reader beside a torn tail"
    await filled(folder, b"third")
    assert payloads(folder) == [*kept, b"third"]


async def test_any_changed_byte_of_a_closed_segment_is_noticed(tmp_path: Path) -> None:
    await filled(tmp_path, b"first" * 10, b"second" * 10, b"third", segment_bytes=50)
    path = segment_path(tmp_path, 1)
    good = path.read_bytes()
    for place in range(HEAD.size, len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(LogDamaged):
            payloads(tmp_path)
    path.write_bytes(good)
    assert len(payloads(tmp_path)) == 3


async def test_waiting_batches_share_one_sync(tmp_path: Path) -> None:
    gate, syncs = threading.Event(), []

    def sync(handle: int) -> None:
        gate.wait()
        os.fdatasync(handle)
        syncs.append(handle)

    log = SegmentLog(tmp_path, sync=sync)
    appended = [log.append(b"%d" % number) for number in range(500)]
    await asyncio.sleep(0)
    late = [log.append(b"%d" % number) for number in range(500, 1000)]
    gate.set()
    positions = await asyncio.gather(*appended, *late)
    await log.aclose()
    assert len(syncs) <= 2
    assert payloads(tmp_path) == [b"%d" % number for number in range(1000)]
    assert positions == sorted(set(positions))


def test_unless_told_otherwise_a_sync_is_fdatasync() -> None:
    assert inspect.signature(SegmentLog).parameters["sync"].default is os.fdatasync


async def test_the_loop_goes_on_while_the_disk_is_slow(tmp_path: Path) -> None:
    gate = threading.Event()
    log = SegmentLog(tmp_path, sync=held_by(gate))
    appended = log.append(b"x")
    for _ in range(100):
        await asyncio.sleep(0)
    assert not appended.done()
    gate.set()
    await appended
    await log.aclose()


async def test_a_failed_sync_fails_its_group_and_leaves_no_trace_of_it(tmp_path: Path) -> None:
    faults: list[OSError] = []

    def sync(handle: int) -> None:
        if faults:
            raise faults.pop()
        os.fdatasync(handle)

    log = SegmentLog(tmp_path, sync=sync)
    await log.append(b"before")
    reader = LogReader(tmp_path)
    faults.append(OSError(errno.EIO, "I/O error"))
    lost = await asyncio.gather(log.append(b"lost 1"), log.append(b"lost 2"), return_exceptions=True)
    assert [type(outcome) for outcome in lost] == [LogUnavailable, LogUnavailable]
    position = await log.append(b"after")
    assert position.segment == 2, "nothing more goes into a segment whose sync has failed"
    await log.aclose()
    assert payloads(tmp_path) == [b"before", b"after"]
    assert [frame.payload for frame in reader.backwards()] == [b"after", b"before"]


async def test_a_full_queue_refuses_before_memory_grows(tmp_path: Path) -> None:
    gate = threading.Event()
    log = SegmentLog(tmp_path, waiting_bytes=1000, sync=held_by(gate))
    appended = [log.append(b"x" * 400), log.append(b"x" * 400)]
    with pytest.raises(Overloaded) as refused:
        log.append(b"x" * 400)
    assert refused.value.retry_after_seconds >= 1
    gate.set()
    await asyncio.gather(*appended)
    await log.append(b"x" * 400)
    await log.aclose()
    assert len(payloads(tmp_path)) == 3


async def test_a_log_has_one_writer(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    with pytest.raises(Conflict):
        SegmentLog(tmp_path)
    await log.aclose()
    await SegmentLog(tmp_path).aclose()


async def test_a_missing_segment_is_damage_and_not_an_empty_one(tmp_path: Path) -> None:
    await filled(tmp_path, b"first" * 20, b"second", segment_bytes=50)
    segment_path(tmp_path, 1).unlink()
    with pytest.raises(LogDamaged):
        payloads(tmp_path)


async def test_another_format_is_refused_rather_than_cut(tmp_path: Path) -> None:
    await filled(tmp_path, b"x")
    path = segment_path(tmp_path, 1)
    raw = bytearray(path.read_bytes())
    raw[8] = 9
    path.write_bytes(raw)
    with pytest.raises(LogDamaged):
        SegmentLog(tmp_path)
    assert path.read_bytes() == raw


_FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from aforo.usage import SegmentLog
from aforo.usage.errors import LogUnavailable

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    log = SegmentLog(Path(sys.argv[1]))
    kept, refused = 0, 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    for number in range(30):
        try:
            await log.append(b"%03d" % number * 200)
            print(number, flush=True)
        except LogUnavailable as refusal:
            assert "full" in refusal.detail and refusal.retry_after_seconds >= 1
            refused += 1
            resource.setrlimit(resource.RLIMIT_FSIZE, (10 if refused < 3 else 10_000, resource.RLIM_INFINITY))
    await log.aclose()
    print("refused", refused, file=sys.stderr)

asyncio.run(main())
"""


def test_when_no_more_fits_on_the_disk_batches_are_refused_and_later_ones_kept_again(tmp_path: Path) -> None:
    """The kernel's own file size limit stands for the full disk: a real short write, then EFBIG."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    acknowledged = [b"%03d" % int(number) * 200 for number in done.stdout.split()]
    assert 0 < len(acknowledged) < 30
    assert int(done.stderr.split()[-1]) >= 3
    assert payloads(tmp_path) == acknowledged


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=30), st.integers(40, 700), st.integers(1, 29))
def test_any_payloads_survive_any_rotation(some: list[bytes], segment_bytes: int, restart: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(filled(folder, *some[:restart], segment_bytes=segment_bytes))
        asyncio.run(filled(folder, *some[restart:], segment_bytes=segment_bytes))
        assert payloads(folder) == some
