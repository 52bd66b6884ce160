"""Which rows of a preview a person has ticked, kept in this process: filter, paging and a second tab share it.

A restart forgets it, and the preview starts again from `at_first`.
"""

from collections.abc import Iterable
from typing import Final

from aforo.catalog.model import SavedPreview, Status

_MOST: Final = 500


class Selections:
    """By person and preview; the oldest go first when there are too many."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], frozenset[str]] = {}

    def of(self, person_id: str, saved: SavedPreview) -> frozenset[str]:
        return self._kept.get((person_id, saved.id), at_first(saved))

    def keep(self, person_id: str, preview_id: str, keys: Iterable[str]) -> frozenset[str]:
        chosen = self._kept[person_id, preview_id] = frozenset(keys)
        if len(self._kept) > _MOST:
            self._kept.pop(next(iter(self._kept)))
        return chosen

    def carry(self, person_id: str, before_id: str, after: SavedPreview) -> None:
        """Read again: what was ticked stays ticked where it is still to be had."""
        kept = self._kept.get((person_id, before_id))
        if kept is not None:
            self.keep(person_id, after.id, kept & pickable(after))


def at_first(saved: SavedPreview) -> frozenset[str]:
    """Everything new; nothing that would overwrite a record."""
    return frozenset(row.key for row in saved.preview.rows if row.status is Status.NEW)


def pickable(saved: SavedPreview) -> frozenset[str]:
    """What an import can take."""
    return frozenset(row.key for row in saved.preview.rows if row.status in (Status.NEW, Status.CHANGED))
