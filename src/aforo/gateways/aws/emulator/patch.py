"""API Gateway's patch operations: add, replace, remove at a path, on the paths that a resource allows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aforo.gateways.aws.emulator.region import Record
from aforo.gateways.aws.emulator.wire import bad_request

Convert = Callable[[str], Any]
"""A patch carries every value as text; this turns it into the member's type."""

Paths = Mapping[str, Convert]
"""Which paths of a resource may be patched; `*` stands for one part of a path."""


def boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise bad_request(f"Invalid value for patch: '{text}' is not a boolean")
    return text.lower() == "true"


def integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise bad_request(f"Invalid value for patch: '{text}' is not an integer") from None


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise bad_request(f"Invalid value for patch: '{text}' is not a number") from None


def patched(record: Record, operations: Sequence[Mapping[str, str]], allowed: Paths) -> None:
    """Apply all operations to the record; a path that is not allowed is refused before anything changes."""
    for operation in operations:
        _convert(operation, allowed)
    for operation in operations:
        _one(record, operation, _convert(operation, allowed))


def parts(path: str) -> list[str]:
    """The parts of a patch path, ~1 and ~0 undone."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.lstrip("/").split("/")]


def _convert(operation: Mapping[str, str], allowed: Paths) -> Convert:
    path, op = operation.get("path", ""), operation.get("op", "")
    given = parts(path)
    for template, convert in allowed.items():
        wanted = parts(template)
        if len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True)):
            if op not in {"add", "replace", "remove"}:
                raise bad_request(f"Invalid patch operation specified: {op}")
            return convert
    choices = ", ".join(sorted(allowed))
    raise bad_request(f"Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{choices}]")


def _one(record: Record, operation: Mapping[str, str], convert: Convert) -> None:
    *above, last = parts(operation["path"])
    target = record
    for part in above:
        target = target.setdefault(part, {})
    if isinstance(target, list):
        _in_list(target, operation["op"], last)
    elif operation["op"] == "remove":
        target.pop(last, None)
    else:
        target[last] = convert(operation.get("value", ""))


def _in_list(target: list[str], op: str, value: str) -> None:
    """A list's members are named in the path itself, such as /binaryMediaTypes/image~1png."""
    if op == "remove":
        if value in target:
            target.remove(value)
    elif value not in target:
        target.append(value)
