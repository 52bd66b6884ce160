"""Forms that a person has begun and not yet sent, kept in this process, without secrets."""

from collections.abc import Mapping
from typing import Final

from aforo.kit.ids import new_id

_MOST: Final = 500


class Drafts:
    """What was typed, by draft and person; the oldest drafts go first when there are too many."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Mapping[str, str]] = {}

    def keep(self, person_id: str, values: Mapping[str, str]) -> str:
        draft = new_id("draft")
        self._kept[person_id, draft] = dict(values)
        if len(self._kept) > _MOST:
            self._kept.pop(next(iter(self._kept)))
        return draft

    def of(self, person_id: str, draft: str) -> Mapping[str, str]:
        """Empty for a draft that is not theirs, or no longer there."""
        return self._kept.get((person_id, draft), {})
