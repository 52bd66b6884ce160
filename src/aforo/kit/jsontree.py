"""JSON values as trees: canonical text, digests, and RFC 6901 pointers to their leaves."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
JsonObject: TypeAlias = Mapping[str, Json]


class Absent:
    """Stands where a tree has nothing, which is not the same as null."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent()


_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Json) -> str:
    """One text per value: sorted members, no spaces. 1 and 1.0 are the same number, so they read the same."""
    return _ENCODER.encode(_plain(value))


def digest(value: Json) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def leaves(value: Json, pointer: str = "") -> Iterator[tuple[str, Json]]:
    """Every leaf with its pointer, in order. Arrays and empty objects are leaves: an array is compared as one value."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from leaves(value[key], f"{pointer}/{escape(key)}")
    else:
        yield pointer, value


def at(value: Json, pointer: str) -> Json | Absent:
    """What stands at a pointer, or ABSENT."""
    here: Json = value
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping) and key in here:
            here = here[key]
        elif isinstance(here, list | tuple) and key.isdigit() and int(key) < len(here):
            here = here[int(key)]
        else:
            return ABSENT
    return here


def put(tree: dict[str, Json], pointer: str, value: Json | Absent) -> None:
    """Set, or with ABSENT remove, what stands at a pointer; objects on the way are made as needed."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    here = tree
    for key in way:
        child = here.get(key)
        here[key] = child = dict(child) if isinstance(child, Mapping) else {}
        here = child
    if isinstance(value, Absent):
        here.pop(last, None)
    else:
        here[last] = value


def escape(key: str) -> str:
    """A member's name as one part of a pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def same(left: Json | Absent, right: Json | Absent) -> bool:
    """Equal as JSON: true is not 1, but 1 is 1.0."""
    if left is right:
        return True
    if type(left) is not type(right):
        return _is_number(left) and _is_number(right) and left == right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def _is_number(value: Json | Absent) -> bool:
    return type(value) is int or type(value) is float


def _plain(value: Json) -> Json:
    """With whole floats written as integers; the value itself where there is none."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
