"""A key is known for 91 days: in flight, young, sealed, merged, and after any restart."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.kit.clock import HandClock, rfc3339
from aforo.kit.errors import Overloaded
from aforo.usage.dedupe import Dedupe, key_filter
from aforo.usage.dedupe.ageing import KEPT_DAYS, MOST_DAYS, KeyFile, is_past, to_merge
from aforo.usage.dedupe.files import KeyFiles
from aforo.usage.dedupe.key_file import KEY, KeyFileReader
from aforo.usage.dedupe.merge import merge
from aforo.usage.errors import LogDamaged
from aforo.usage.ingests import opened_dedupe
from aforo.usage.segment_log import Position
from tests.usage.parts import CALLER, body, event, ingest


def digest(number: int) -> bytes:
    return np.random.default_rng(number).bytes(16)


def keys(*numbers: int) -> dict[bytes, int]:
    return {digest(number): number for number in numbers}


def known(dedupe: Dedupe | KeyFiles, *numbers: int) -> list[int]:
    asked = [digest(number) for number in numbers]
    found = dedupe.known(asked) if isinstance(dedupe, Dedupe) else dedupe.find(asked)
    assert all(digest(content) == key for key, content in found.items())
    return sorted(found.values())


async def test_a_key_is_known_in_flight_young_sealed_merged_and_reopened(tmp_path: Path) -> None:
    dedupe = Dedupe(tmp_path, lambda: 100, young_keys=50)
    for batch in range(60):
        numbers = range(batch * 10, batch * 10 + 10)
        dedupe.begin(keys(*numbers))
        assert known(dedupe, *numbers, 10_000) == [*numbers]
        dedupe.durable(keys(*numbers), Position(1, batch + 1))
        await asyncio.sleep(0)
        if batch % 5 == 4:
            await dedupe.sealed()
    await dedupe.merged()
    await dedupe.aclose()
    assert 1 < len(dedupe.files.files) <= 8
    assert known(dedupe, *range(700)) == [*range(600)]
    reopened = KeyFiles(tmp_path)
    assert reopened.position == Position(1, 60)
    assert known(reopened, *range(700)) == [*range(600)]
    named = {f"{file.number:012d}{end}" for file in reopened.files for end in (".keys", ".filter")}
    assert names_in(tmp_path) == {"manifest.json", *named}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_batch_that_did_not_become_durable_is_forgotten(tmp_path: Path) -> None:
    dedupe = Dedupe(tmp_path, lambda: 100)
    dedupe.begin(keys(1, 2))
    dedupe.forget(keys(1, 2))
    assert known(dedupe, 1, 2) == []


async def test_a_disk_that_takes_no_keys_is_answered_before_memory_grows(tmp_path: Path) -> None:
    dedupe = Dedupe(tmp_path, lambda: 100, young_keys=10)
    (tmp_path / "manifest.json.new").mkdir()
    for number in range(41):
        dedupe.begin(keys(number))
        dedupe.durable(keys(number), Position(1, number))
        await dedupe.sealed()
    with pytest.raises(Overloaded):
        dedupe.begin(keys(100))
    assert known(dedupe, *range(40)) == [*range(40)]
    (tmp_path / "manifest.json.new").rmdir()
    dedupe.durable(keys(200), Position(1, 200))
    await dedupe.sealed()
    assert known(KeyFiles(tmp_path), *range(40), 200) == [*range(40), 200]


def test_damage_is_told_and_strays_are_cleared_away(tmp_path: Path) -> None:
    files = KeyFiles(tmp_path)
    files.seal(keys(1, 2, 3), (5, 5), Position(1, 1))
    (tmp_path / "000000000099.keys").write_bytes(b"half")
    assert known(KeyFiles(tmp_path), 1, 2, 3) == [1, 2, 3]
    assert not (tmp_path / "000000000099.keys").exists()
    assert oct((tmp_path / "manifest.json").stat().st_mode)[-3:] == "600"
    path = next(tmp_path.glob("*.keys"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LogDamaged):
        KeyFiles(tmp_path)


def test_past_files_go_and_others_stay(tmp_path: Path) -> None:
    files = KeyFiles(tmp_path)
    files.seal(keys(1), (100, 100), Position(1, 1))
    files.seal(keys(2), (101, 101), Position(1, 2))
    files.drop_past(100 + KEPT_DAYS)
    assert known(files, 1, 2) == [1, 2]
    files.drop_past(101 + KEPT_DAYS)
    assert known(files, 1, 2) == [2]
    assert len([*tmp_path.glob("*.keys")]) == 1


@settings(max_examples=30, deadline=None)
@given(
    numbers=st.lists(st.integers(0, 2**32), min_size=1, max_size=40, unique=True),
    cut=st.integers(1, 39),
    crowded=st.booleans(),
)
def test_a_merged_file_has_every_key_of_both(numbers: list[int], *, cut: int, crowded: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = {digest(n)[:8] + bytes(8) if crowded else digest(n): n for n in numbers}
        files = KeyFiles(folder)
        pairs = [*made.items()]
        for part in (pairs[:cut], pairs[cut:]):
            files.seal(dict(part), (1, 1), Position(1, 1))
        number = files.reserve_number()
        one, other = files.files
        assert merge(folder, [one.number, other.number], number) == len(made)
        files.merged((one, other), number)
        assert files.find([*made, digest(2**33)]) == made
        stored = np.fromfile(next(folder.glob("*.keys")), KEY)
        assert (np.diff(stored["high"].astype(object)) >= 0).all()


def test_keys_are_found_over_many_blocks_of_the_index(tmp_path: Path) -> None:
    files = KeyFiles(tmp_path)
    made = keys(*range(5000))
    files.seal(made, (1, 1), Position(1, 1))
    assert files.find([*made]) == made
    strangers = [digest(n) for n in range(10_000, 30_000)]
    assert files.find(strangers) == {}
    halves = np.frombuffer(b"".join(strangers), "<u8").reshape(-1, 2)
    reader = KeyFileReader(tmp_path, files.files[0].number)
    maybe = key_filter.may_hold(reader._words, halves[:, 0].copy(), halves[:, 1].copy())
    assert maybe.sum() < 100  # about one in 500


sizes = st.lists(st.integers(1, 10**6), min_size=1, max_size=60)


@settings(max_examples=50)
@given(st.lists(sizes, min_size=1, max_size=200))
def test_however_keys_come_there_are_at_most_12_filters_and_none_spans_over_a_month(days: list[list[int]]) -> None:
    files: list[KeyFile] = []
    made: list[KeyFile] = []
    for day, counts in enumerate(days):
        for count in counts:
            files = [file for file in files if not is_past(file, day)]
            files.append(KeyFile(len(made), count, day, day))
            made.append(files[-1])
            while (pair := to_merge(files)) is not None:
                one, other = pair
                place = files.index(one)
                assert files[place + 1] == other
                files[place : place + 2] = [KeyFile(one.number, one.count + other.count, one.first_day, other.last_day)]
            assert len(files) <= 12
            assert all(file.last_day - file.first_day < MOST_DAYS for file in files)


async def test_a_retry_weeks_later_is_a_duplicate_also_after_restarts(tmp_path: Path) -> None:
    clock = HandClock()
    first = body(event("a"), event("b", quantity=2))
    taking, log = ingest(tmp_path, clock)
    assert (await taking.ingest(first, CALLER)).accepted == 2
    await log.aclose()
    for _ in range(3):
        clock.forward(timedelta(days=25).total_seconds())
        taking, log = ingest(tmp_path, clock)
        answer = await taking.ingest(first, CALLER)
        assert (answer.accepted, answer.duplicates) == (0, 2)
        taking._dedupe.files.seal(taking._dedupe._young, taking._dedupe._days, taking._dedupe._position)
        other = body(event("b", quantity=3), event(f"later {clock.monotonic()}", occurredAt=rfc3339(clock.now())))
        answer = await taking.ingest(other, CALLER)
        assert (answer.accepted, [one.code for one in answer.errors]) == (1, ["idempotency_conflict"])
        await log.aclose()


async def test_a_lost_folder_of_keys_is_made_again_from_the_log(tmp_path: Path) -> None:
    taking, log = ingest(tmp_path)
    await taking.ingest(body(*(event(str(n)) for n in range(20))), CALLER)
    await log.aclose()
    again = opened_dedupe(tmp_path / "elsewhere", tmp_path / "live", HandClock())
    assert again.files.seed != taking._dedupe.files.seed
    taking, log = ingest(tmp_path)
    taking._dedupe = again
    assert (await taking.ingest(body(*(event(str(n)) for n in range(21))), CALLER)).duplicates == 20
    await log.aclose()


CHILD = """
import asyncio, sys
from pathlib import Path
from aforo.usage.dedupe import Dedupe
from aforo.usage.segment_log import Position

async def main():
    dedupe = Dedupe(Path(sys.argv[1]), lambda: 100, young_keys=20)
    start = dedupe.files.position.offset
    for number in range(start, start + 100_000):
        keys = {number.to_bytes(4, "little") * 4: number}
        dedupe.begin(keys)
        dedupe.durable(keys, Position(1, number + 1))
        print(number, flush=True)
        await asyncio.sleep(0)
        if number % 60 == 59:
            await dedupe.sealed()

asyncio.run(main())
"""


def test_killed_at_any_moment_the_files_hold_every_key_before_their_position(tmp_path: Path) -> None:
    for life in range(4):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _ in range(150 + 170 * life):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        files = KeyFiles(tmp_path)
        count = files.position.offset
        wanted = {number.to_bytes(4, "little") * 4: number for number in range(count)}
        assert files.find([*wanted]) == wanted
    assert count > 400
