"""How Lua looks from outside: its patterns, and its tables when Kong prints them into a message."""

import re
from collections.abc import Mapping
from functools import cache

_CLASSES = {
    "a": "A-Za-z",
    "d": "0-9",
    "l": "a-z",
    "u": "A-Z",
    "w": "A-Za-z0-9",
    "s": r" \t\n\r\f\v",
    "x": "0-9A-Fa-f",
    "p": r"!-/:-@\[-`{-~",
}
_WORD = re.compile(r"[A-Za-z_]\w*\Z")


@cache
def pattern(lua: str) -> re.Pattern[str]:
    """A Lua pattern as a regular expression; captures, `%b` and `%f` do not occur in Kong's schemas."""
    return re.compile("".join(_translated(lua)), re.DOTALL)


def _translated(lua: str) -> list[str]:
    out: list[str] = []
    inside, index = False, 0
    while index < len(lua):
        char = lua[index]
        if char == "%":
            index += 1
            out.append(_escaped(lua[index], inside=inside))
        elif inside:
            inside = char != "]"
            out.append("\\\\" if char == "\\" else char)
        elif char == "-" and out and out[-1] not in ("+", "*", "?", "^"):
            out.append("*?")
        else:
            inside = char == "["
            out.append(char if char in "^$.*+?[" else re.escape(char))
        index += 1
    return out


def _escaped(char: str, *, inside: bool) -> str:
    if char in _CLASSES:
        return _CLASSES[char] if inside else f"[{_CLASSES[char]}]"
    return re.escape(char)


def one_line(value: object) -> str:
    """A key as Kong names it in a message: `{id="…",name="…"}`, members sorted."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}={one_line(value[name])}" for name in sorted(value)) + "}"
    return "null" if value is None else f'"{value}"' if isinstance(value, str) else plain(value)


def printed(value: object, indent: str = "") -> str:
    """A table as Kong pretty-prints it over several lines."""
    if not isinstance(value, (Mapping, list)):
        return f'"{value}"' if isinstance(value, str) else plain(value)
    deeper = indent + "  "
    lines = [f"{deeper}{label}{printed(member, deeper)}" for label, member in _members(value)]
    return "{\n" + ",\n".join(lines) + "\n" + indent + "}"


def _members(value: Mapping[str, object] | list[object]) -> list[tuple[str, object]]:
    if isinstance(value, list):
        gaps = any(member is None for member in value)
        numbered = [(index, member) for index, member in enumerate(value, 1) if member is not None]
        return [(f"[{index}] = " if gaps else "", member) for index, member in numbered]
    return [(f"{_label(name)} = ", value[name]) for name in sorted(value)]


def _label(name: str) -> str:
    return name if _WORD.match(name) else f'["{name}"]'


def plain(value: object) -> str:
    """A scalar as Lua's `tostring` writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.14g}" if isinstance(value, float) else str(value)
