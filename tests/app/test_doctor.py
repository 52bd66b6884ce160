"""The doctor names what is wrong with an installation, and what to do about it."""

import json
from pathlib import Path

import pytest

from aforo.app.doctor import examine
from aforo.app.settings import Settings
from tests.live import migrated


@pytest.fixture
def folder(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "var")
    migrated(settings.records_path)
    settings.data_dir.chmod(0o700)
    settings.key_path.write_text(f"1:{'ab' * 32}\n")
    settings.key_path.chmod(0o600)
    return settings


def _levels(settings: Settings) -> dict[str, str]:
    return {one.what: one.level for one in examine(settings)}


def test_a_sound_folder_has_nothing_to_mend_and_stays_as_it_is(folder: Settings) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.data_dir.rglob("*.db"))
    found = examine(folder)
    assert [one for one in found if one.level == "FAIL"] == []
    assert {"Sealed secrets", "records.db", "Schema", "Schedules"} <= {one.what for one in found}
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.data_dir.rglob("*.db")) == before


def test_a_lost_key_is_named_with_what_to_do(folder: Settings) -> None:
    folder.key_path.unlink()
    [found] = [one for one in examine(folder) if one.what == "Master key"]
    assert (found.level, "Put it back" in found.next_step) == ("FAIL", True)


def test_a_broken_database_is_a_finding_and_spoils_no_other(folder: Settings) -> None:
    (folder.data_dir / "ledger.db").write_bytes(b"SQLite format 3\0" + bytes(5_000))
    levels = _levels(folder)
    assert levels["Databases"] == "FAIL"
    assert levels["Schedules"] == "OK"


def test_a_segment_that_lost_its_end_is_found(folder: Settings) -> None:
    place = folder.data_dir / "log" / "live"
    place.mkdir(parents=True)
    told = {"format": 1, "open": 0, "closed": [{"number": 1, "length": 100}]}
    (place / "manifest.json").write_text(json.dumps(told))
    (place / f"{1:012d}.log").write_bytes(bytes(60))
    assert _levels(folder)["Log"] == "FAIL"


def test_an_open_folder_and_a_missing_channel_are_worth_a_thought(folder: Settings) -> None:
    folder.data_dir.chmod(0o755)
    levels = _levels(folder)
    assert (levels["Data folder"], levels["Alerts"]) == ("WARN", "WARN")


def test_where_there_is_no_aforo_it_says_so(tmp_path: Path) -> None:
    [found] = examine(Settings(data_dir=tmp_path / "nothing"))
    assert (found.level, "no data of Aforo" in found.words) == ("FAIL", True)
