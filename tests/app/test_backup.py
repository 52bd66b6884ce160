"""A backup of an Aforo that takes events meanwhile, and what is made of it elsewhere."""

import io
import itertools
import json
import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.app import backup
from aforo.app.backup.archive import Archive
from aforo.app.backup.copy import add_ledger_and_log, reached_by_logs
from aforo.app.cli import main
from aforo.app.doctor import examine
from aforo.app.place import Place
from aforo.app.records import newest, upgrade
from aforo.app.settings import Settings
from aforo.enforcement.ledger.file import Ledger, Writes
from aforo.kit.clock import HandClock, SystemClock
from aforo.kit.secretbox import MasterKeys
from aforo.usage.segment_log.frame import HEAD, framed, segment_head
from aforo.usage.segment_log.manifest import Manifest, segment_path, store
from tests.app.test_serve import Served, _event, served

SECRET = "planted-gateway-token-3f9c1b"


def test_what_was_acknowledged_before_a_backup_is_there_exactly_once_after_a_restore(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    archive = tmp_path / "aforo.tar"
    with served(tmp_path) as running:
        headers = {"Authorization": f"Bearer {running.admin_key}"}
        _connect(running, headers)
        acknowledged: list[dict[str, object]] = []
        with _sending(running, headers, acknowledged):
            _until(acknowledged, 50)
            before = list(acknowledged)
            told = _aforo(capsys, "backup", str(archive), "--json", data_dir=tmp_path / "var")
            _until(acknowledged, len(acknowledged) + 1)
        port, edge_port = (int(url.rpartition(":")[2]) for url in (running.api, running.edge))
        here = Settings(data_dir=tmp_path / "var", port=port, edge_port=edge_port)
        told_by_doctor = examine(here)
        assert [line for line in told_by_doctor if line.level == "FAIL"] == [], "and the doctor finds it well"
        assert {"API", "Edge"} <= {line.what for line in told_by_doctor}
        refused = _aforo(capsys, "restore", str(archive), "--force", data_dir=tmp_path / "var", code=5)
        assert "in use by another Aforo" in refused
    assert json.loads(told)["schemas"]["records.db"] == newest()
    assert archive.stat().st_mode & 0o777 == 0o600
    raw = archive.read_bytes()
    assert SECRET.encode() not in raw
    assert running.admin_key.encode() not in raw
    assert (tmp_path / "var.key").read_text().strip().partition(":")[2].encode() not in raw

    shutil.copy(tmp_path / "var.key", elsewhere / "var.key")
    assert "is as of" in _aforo(capsys, "restore", str(archive), data_dir=elsewhere / "var")
    with served(elsewhere) as again:
        found = _keys(again, headers)
        assert len(found) == len(set(found)), "nothing is there twice"
        assert {event["idempotencyKey"] for event in before} <= set(found)
        answer = httpx2.post(
            f"{again.edge}/v1/ingest", json={"events": acknowledged}, headers=headers, trust_env=False
        ).json()
        assert answer["duplicates"] == len(found), "what is there is known"
        assert answer["accepted"] == len(acknowledged) - len(found), "and what is not is taken"


def test_a_damaged_archive_and_one_cut_short_are_found_out(folder: Path) -> None:
    archive = _made(folder)
    whole = archive.read_bytes()
    assert backup.check(archive).files
    archive.write_bytes(whole.replace(b"SQLite format 3", b"SQLite format 4", 1))
    with pytest.raises(backup.CannotRestore, match=r"records\.db is not as when it was made"):
        backup.check(archive)
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(backup.CannotRestore, match="cut short"):
        _restore(archive, folder / "new")
    assert not (folder / "new").exists()


def test_a_folder_that_holds_something_is_moved_aside_and_never_deleted(folder: Path) -> None:
    archive = _made(folder)
    (folder / "var" / "mine").write_text("mine")
    with pytest.raises(backup.CannotRestore, match="not empty"):
        _restore(archive, folder / "var")
    put = _restore(archive, folder / "var", force=True)
    assert put.moved_aside is not None
    assert (put.moved_aside / "mine").read_text() == "mine"
    assert not (folder / "var" / "mine").exists()


def test_a_folder_in_use_is_not_restored_to(folder: Path) -> None:
    archive = _made(folder)
    Place("", 0, 0, folder / "var").hold()
    with pytest.raises(backup.CannotRestore, match="in use by another Aforo"):
        _restore(archive, folder / "var", force=True)
    assert (folder / "var" / "records.db").exists()


def test_a_backup_is_not_opened_with_another_key_nor_by_an_older_program(folder: Path) -> None:
    archive = _made(folder)
    MasterKeys.load_or_create(folder / "other.key")
    with pytest.raises(backup.CannotRestore, match="holds another one"):
        backup.restore(archive, folder / "new", folder / "other.key", SystemClock())
    with closing(sqlite3.connect(folder / "var" / "records.db")) as records, records:
        records.execute("UPDATE alembic_version SET version_num = '9999'")
    archive.unlink()
    with pytest.raises(backup.CannotRestore, match=r"records\.db is newer"):
        _restore(_made(folder), folder / "new")
    assert not (folder / "new").exists()


def test_an_archive_cannot_write_outside_of_the_data_folder(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        made.addfile(tarfile.TarInfo("../escaped"), io.BytesIO())
    with pytest.raises(backup.CannotRestore, match="no place in a backup"):
        backup.check(tmp_path / "a.tar")


@pytest.mark.parametrize(
    ("target", "told"),
    [("taken.tar", "--force"), ("var/b.tar", "inside the data folder"), ("nowhere/b.tar", "There is no folder")],
)
def test_a_backup_that_cannot_be_made_says_why_and_changes_nothing(folder: Path, target: str, told: str) -> None:
    (folder / "taken.tar").write_text("taken")
    with pytest.raises(backup.CannotBackUp, match=told):
        backup.back_up(folder / "var", folder / "var.key", folder / target, SystemClock())
    assert (folder / "taken.tar").read_text() == "taken"
    with pytest.raises(backup.CannotBackUp, match="no data of Aforo"):
        backup.back_up(folder / "nothing", folder / "var.key", folder / "b.tar", SystemClock())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder `var` with records and a sealing key beside it."""
    upgrade(tmp_path / "var" / "records.db")
    MasterKeys.load_or_create(tmp_path / "var.key")
    return tmp_path


def _made(folder: Path) -> Path:
    archive = folder / "aforo.tar"
    backup.back_up(folder / "var", folder / "var.key", archive, SystemClock())
    return archive


def _restore(archive: Path, data_dir: Path, *, force: bool = False) -> Any:
    return backup.restore(archive, data_dir, archive.with_name("var.key"), SystemClock(), force=force)


def _aforo(capsys: pytest.CaptureFixture[str], *words: str, data_dir: Path, code: int = 0) -> str:
    """In this process, which starts quicker; the server has its own."""
    assert main([*words, "--data-dir", str(data_dir)]) == code
    said = capsys.readouterr()
    return " ".join((said.out or said.err).split())


def _connect(running: Served, headers: dict[str, str]) -> None:
    made = {
        "name": "kong", "gateway": "kong", "signIn": "header_token",
        "settings": {"admin_url": "http://127.0.0.1:9", "token": SECRET},
    }  # fmt: skip
    answer = httpx2.post(f"{running.api}/api/v1/integrations", json=made, headers=headers, trust_env=False)
    assert answer.status_code == 201, answer.text


@contextmanager
def _sending(running: Served, headers: dict[str, str], acknowledged: list[dict[str, object]]) -> Iterator[None]:
    """Events, one request after the other, for as long as this lasts."""
    over = threading.Event()

    def send() -> None:
        with httpx2.Client(headers=headers, trust_env=False) as client:
            while not over.is_set() and len(acknowledged) < 900:
                event = _event(f"key-{len(acknowledged)}")
                answer = client.post(f"{running.edge}/v1/ingest", json=event)
                assert answer.status_code == 202, answer.text
                acknowledged.append(event)
                over.wait(0.005)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


def _until(acknowledged: list[dict[str, object]], count: int) -> None:
    ticks = threading.Event()
    for _ in range(2_000):
        if len(acknowledged) >= min(count, 900):
            return
        ticks.wait(0.01)
    raise AssertionError(len(acknowledged))


def _keys(running: Served, headers: dict[str, str]) -> list[str]:
    found, cursor = [], ""
    while True:
        page = httpx2.get(
            f"{running.api}/v1/events", params={"limit": 200, **({"cursor": cursor} if cursor else {})},
            headers=headers, trust_env=False,
        ).json()  # fmt: skip
        found += [event["idempotencyKey"] for event in page["data"]]
        if not (cursor := page["nextCursor"]):
            return found


@pytest.mark.parametrize(("applied", "kept"), [(1, 1), (2, 2)])
def test_the_log_is_copied_as_far_as_it_reached_before_the_ledger_was_or_as_the_ledger_has_read(
    folder: Path, applied: int, kept: int
) -> None:
    log = folder / "var" / "log" / "live"
    log.mkdir(parents=True)
    frames = [framed(b"one"), framed(b"two"), framed(b"three")]
    segment = segment_path(log, 1)
    segment.write_bytes(segment_head(1, 0) + frames[0])
    store(log, Manifest(open=1))
    ends = list(itertools.accumulate(map(len, frames), initial=HEAD.size))
    _ledger(folder / "var" / "ledger.db", (1, ends[applied]))
    with Archive(folder / "aforo.tar") as archive:
        reached = reached_by_logs(folder / "var")
        segment.write_bytes(segment_head(1, 0) + b"".join(frames))  # goes on meanwhile
        add_ledger_and_log(archive, folder / "var", folder / "copy", reached)
    assert next(one.size for one in archive.copied if one.path == "log/live/000000000001.log") == ends[kept]


def test_decisions_from_before_a_restore_are_not_taken_as_counted(folder: Path) -> None:
    _ledger(folder / "var" / "ledger.db", (0, 0))
    archive = _made(folder)
    clock = HandClock()
    backup.restore(archive, folder / "new", folder / "var.key", clock)
    now_ms = int(clock.now().timestamp() * 1000)
    ledger = Ledger(folder / "new" / "ledger.db", now_ms)
    loaded = ledger.load(now_ms)
    ledger.close(clean=False)
    assert (loaded.made_ms, loaded.clean) == (now_ms, False)


def _ledger(path: Path, applied: tuple[int, int]) -> None:
    ledger = Ledger(path, 0)
    ledger.commit(Writes(applied=[("live", *applied)]))
    ledger.close(clean=True)
