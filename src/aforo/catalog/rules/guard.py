"""When an import is large enough that a person should count it themselves."""

from typing import Final

_FROM: Final = 10
_SHARE: Final = 0.5


def asks_for_count(selected_changed: int, all_changed: int) -> bool:
    """More than ten recorded products would be overwritten, and more than half of those that differ."""
    return selected_changed > _FROM and selected_changed > all_changed * _SHARE
