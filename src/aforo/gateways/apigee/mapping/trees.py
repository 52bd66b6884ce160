"""Places in Apigee's JSON, and copies of it."""

from collections.abc import Iterator
from typing import Any, Final

EACH: Final = "*"
"""In a path: every element of a list, or every member of an object."""

Path = tuple[str, ...]
Row = dict[str, Any]


def places(tree: Any, path: Path) -> Iterator[tuple[Any, Any]]:
    """(holder, name or index) of every value that stands at the path."""
    name, rest = path[0], path[1:]
    if name == EACH:
        names: Any = range(len(tree)) if isinstance(tree, list) else list(tree) if isinstance(tree, dict) else ()
    else:
        names = (name,) if isinstance(tree, dict) and name in tree else ()
    for one in names:
        if rest:
            yield from places(tree[one], rest)
        else:
            yield tree, one


def copied(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: copied(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [copied(value) for value in tree]
    return tree
