"""One difference as one line: where, the record's value on the left, an arrow, the gateway's on the right."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from aforo.app.cli.show.text import Hanging, hanging

Field = Mapping[str, Any]


class Arrow(StrEnum):
    """Points to the side that will be written; where nothing will be, it only says that the two differ."""

    IMPORT = "<-"
    RESTORE = "->"
    NONE = "≠"


def place(path: str) -> tuple[str, str, str]:
    """`/plugin/rate-limiting@payments-v2/config/minute` as kind, key and `config.minute`."""
    kind, key, *rest = (part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])
    return kind, key, ".".join(json.dumps(part) if "." in part else part for part in rest)


def place_words(path: str) -> str:
    kind, key, pointer = place(path)
    return f"{kind} {key}  {pointer}" if pointer else f"{kind} {key}"


class FieldLine:
    """On one line where it fits; else the two sides stand below, each in full."""

    def __init__(self, field: Field, arrow: Arrow, indent: int = 4) -> None:
        self._field = field
        self._arrow = arrow
        self._indent = " " * indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        sign, style = _sign(self._field, self._arrow)
        where = place_words(self._field["path"])
        whole = Text.assemble(self._indent, (sign, style), " ", where, "   ", _inline(self._field, self._arrow))
        if len(whole) <= options.max_width:
            yield whole
            return
        yield Hanging(Text.assemble(self._indent, (sign, style), " ", where), len(self._indent) + 2)
        yield from _below(self._field, self._arrow, self._indent + "    ")


def value(told: Any) -> str:
    """As JSON; nothing at all is `(none)`."""
    return "(none)" if told is None else json.dumps(told, ensure_ascii=False, sort_keys=True)


def _sign(field: Field, arrow: Arrow) -> tuple[str, str]:
    """What happens to the side that will be written, or where nothing will be, how the gateway differs."""
    if field["kind"] == "FIELD":
        return "~", "yellow"
    appears = (field["kind"] == "FOREIGN") is (arrow is not Arrow.RESTORE)
    return ("+", "green") if appears else ("-", "red")


def _inline(field: Field, arrow: Arrow) -> Text:
    if field["kind"] != "FIELD":
        return Text.assemble((_whose(field), "dim"), " ", value(_whole(field)))
    if field["secret"]:
        return Text("secret changed")
    return Text.assemble(value(field["before"]), (f" {arrow} ", "bold"), value(field["after"]))


def _below(field: Field, arrow: Arrow, indent: str) -> Iterator[Hanging]:
    if field["kind"] != "FIELD":
        yield hanging(indent, (_whose(field), "dim"))
        yield hanging(indent, value(_whole(field)))
    elif field["secret"]:
        yield hanging(indent, "secret changed")
    else:
        fate = (" (is overwritten)", "bold")
        yield hanging(f"{indent}record  ", value(field["before"]), fate if arrow is Arrow.IMPORT else "")
        yield hanging(f"{indent}gateway ", value(field["after"]), fate if arrow is Arrow.RESTORE else "")


def _whose(field: Field) -> str:
    if field["kind"] == "MISSING":
        return "recorded, missing at the gateway:"
    return "added by others:" if field["counts"] else "added by others (no drift):"


def _whole(field: Field) -> Any:
    return field["before"] if field["kind"] == "MISSING" else field["after"]
