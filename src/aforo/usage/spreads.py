"""Spreads of chosen metrics, from history and from the tail of the log as one."""

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aforo.usage import record
from aforo.usage.errors import LogDamaged
from aforo.usage.history import history_path
from aforo.usage.record import Record
from aforo.usage.rollups.reader import Selection
from aforo.usage.rules import cells as counting
from aforo.usage.rules.cells import Key
from aforo.usage.segment_log import LogReader
from aforo.usage.segment_log.manifest import Manifest, load

if TYPE_CHECKING:
    from aforo.usage.history.spreads import HistorySpreads

_TRIES: Final = 3
Spreads = dict[Key, Counter[int]]
_Wanted = tuple[str, str]


class SpreadReader:
    """Of one log, in several threads. Blocks on the disk.

    What the tail holds of the metrics asked for is kept, so that only what came since is read again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader = LogReader(folder)
        self._lock = threading.Lock()
        self._history: HistorySpreads | None = None
        self._wanted: set[_Wanted] = set()
        self._tail: dict[int, _Segment] = {}

    def read(
        self,
        chosen: Selection,
        metrics: Collection[str],
        members: Sequence[str],
        *,
        customers: Collection[str] | None = None,
        floor: int = 1,
    ) -> Spreads:
        """By `members` of `Key`, the others being empty, and by stretches of `floor` quarters of an hour, 0 for all in
        one. `customers` are names as received. Raises Invalid, LogDamaged."""
        if not metrics:
            return {}
        found: defaultdict[Key, Counter[int]] = defaultdict(Counter)
        asked = [chosen] if customers is None else [chosen._replace(customer=one) for one in sorted(customers)]
        with self._lock:
            for one in asked:
                for key, spread in self._both(one, metrics, members, floor):
                    found[key].update(spread)
        return dict(found)

    def _both(
        self, chosen: Selection, metrics: Collection[str], members: Sequence[str], floor: int
    ) -> Iterable[tuple[Key, Counter[int]]]:
        for _ in range(_TRIES):
            manifest = load(self._folder)
            files = [history_path(self._folder, one.number, one.history) for one in manifest.closed if one.history]
            try:
                past = self._past(files, chosen, metrics, members, floor)
            except FileNotFoundError:  # a segment has just moved
                continue
            yield from past.items()
            for key, spread in self._late_of(manifest, chosen, metrics):
                yield _folded(key, members, floor), spread
            return
        raise LogDamaged(f"History of the usage log `{self._folder.name}` is missing.")

    def _past(
        self, files: list[Path], chosen: Selection, metrics: Collection[str], members: Sequence[str], floor: int
    ) -> Spreads:
        if not files:
            return {}
        if self._history is None:
            from aforo.usage.history.spreads import HistorySpreads  # heavy: only for who reads history

            self._history = HistorySpreads()
        return self._history.read(files, chosen, metrics, members, floor)

    def _late_of(
        self, manifest: Manifest, chosen: Selection, metrics: Collection[str]
    ) -> Iterable[tuple[Key, Counter[int]]]:
        """What no file of history holds yet."""
        wanted = {(chosen.tenant, metric) for metric in metrics}
        if not wanted <= self._wanted:
            self._wanted |= wanted
            self._tail = {}
        numbers = [number for number in manifest.numbers() if (one := manifest.find(number)) is None or not one.history]
        self._tail = {number: self._tail.get(number) or _Segment() for number in numbers}
        for number, segment in self._tail.items():
            segment.read(self._reader, number, self._wanted)
            for pair in wanted:
                for key, spread in segment.spreads.get(pair, {}).items():
                    if chosen.selects(key):
                        yield key, spread


class _Segment:
    """The spreads of one segment of the log, as far as it was read."""

    def __init__(self) -> None:
        self.spreads: dict[_Wanted, Spreads] = {}
        self._offset = 0

    def read(self, reader: LogReader, number: int, wanted: set[_Wanted]) -> None:
        for frame in reader.forwards(number, self._offset):
            found = record.decode(frame.payload)
            self._offset = frame.end
            if found is not None and found.count and _may_be(found, wanted):
                self._add(found, wanted)

    def _add(self, found: Record, wanted: set[_Wanted]) -> None:
        for key, spread in counting.spreads([found]).items():
            pair = key.tenant, key.metric
            if pair in wanted:
                self.spreads.setdefault(pair, {}).setdefault(key, Counter()).update(spread)


def _may_be(found: Record, wanted: set[_Wanted]) -> bool:
    mine = {metric for tenant, metric in wanted if tenant == found.tenant_id}
    return bool(mine) and not mine.isdisjoint(found.column("metric_name"))


def _folded(key: Key, members: Sequence[str], floor: int) -> Key:
    empty = Key(key.tenant, "", "", key.quarter // floor * floor if floor else 0, "", "", "", "", 0)
    return empty._replace(**{name: getattr(key, name) for name in members})
