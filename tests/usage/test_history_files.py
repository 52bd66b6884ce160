"""A segment that went into history comes back as it was: every frame, every event, every kind of value."""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.usage import record
from aforo.usage.errors import LogDamaged
from aforo.usage.history import segment
from aforo.usage.history.segment import HistorySegment, write_frames
from aforo.usage.record import Record
from aforo.usage.rules.columns import of_events, of_sent, rows
from aforo.usage.segment_log.frame import FRAME, HEAD, Position
from tests.usage.test_columns import DIGESTER, TERMS, changes, judged, sents

frames = st.tuples(
    st.sampled_from(["ten_1", "ten_2"]),
    st.integers(0, 2**62),
    st.lists(changes, min_size=1, max_size=4)
    | st.lists(
        st.tuples(st.sampled_from(["n1", "n2"]), st.sampled_from([None, 7, "7"]), st.integers(0, 2**62)),
        min_size=1,
        max_size=3,
    ),
)


def payload_of(tenant: str, received_ns: int, content: Any) -> bytes | None:
    if isinstance(content[0], tuple):
        return record.encode_retries(tenant, received_ns, content)
    asked = sents(content)
    sound = [one for one in map(judged, asked) if one is not None]
    if not sound:
        return None
    columns = of_sent(asked, TERMS) or of_events(sound)
    return record.encode(tenant, received_ns, columns, DIGESTER.of(tenant, columns))


def read_back(payload: bytes) -> Record:
    found = record.decode(payload)
    assert found is not None
    return found


def told(found: Record) -> str:
    """Everything but the digests; as text, so that 1 and 1.0 differ."""
    return repr((found.tenant_id, found.received_ns, found.count, [*rows(found.columns())], found.retries()))


@settings(max_examples=150, deadline=None)
@given(st.lists(frames, max_size=6), st.integers(0, 2_000), st.integers(1, 5))
def test_every_frame_comes_back_in_both_directions(drawn: list[Any], offset: int, at_once: int) -> None:
    payloads = [payload for payload in (payload_of(*one) for one in drawn) if payload is not None]
    places, end = [], HEAD.size
    for payload in payloads:
        places.append(end)
        end += FRAME.size + len(payload)
    whole = [*zip(places, [*places, end][1:], map(told, map(read_back, payloads)), strict=True)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "_SLICE_ROWS", at_once)
        path = Path(folder, "history", "live", "000000000001.1.parquet")
        placed = [(Position(1, at), read_back(payload)) for at, payload in zip(places, payloads, strict=True)]
        assert write_frames(path, placed) == pq.read_metadata(path).num_rows
        assert path.stat().st_mode & 0o777 == 0o600
        found = HistorySegment(path, 1, end)
        seen = [(one.position.offset, one.end, told(read_back(one.payload))) for one in found.forwards()]
        assert seen == whole
        assert [one.position.offset for one in found.backwards()] == places[::-1]
        assert [one.position.offset for one in found.forwards(offset)] == [at for at in places if at >= offset]
        assert [one.position.offset for one in found.backwards(offset)] == [at for at in places if at < offset][::-1]


def test_digests_made_from_what_came_back_are_those_of_the_log(tmp_path: Path) -> None:
    asked = sents([{"quantity": "2.5", "cost": "0.10", "metadata": {"a": 1.10}, "epoch": 3}, {"responseTimeMs": 1}])
    columns = of_sent(asked, TERMS)
    assert columns is not None
    log = read_back(record.encode("t", 1, columns, DIGESTER.of("t", columns)))
    write_frames(tmp_path / "1.parquet", [(Position(1, 32), log)])
    [frame] = HistorySegment(tmp_path / "1.parquet", 1, 99).forwards()
    assert read_back(frame.payload).digests() is None
    assert DIGESTER.of("t", read_back(frame.payload).columns()) == log.digests()


def test_a_damaged_file_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "1.parquet"
    write_frames(path, [])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LogDamaged, match=r"1\.parquet"):
        HistorySegment(path, 1, 32)
