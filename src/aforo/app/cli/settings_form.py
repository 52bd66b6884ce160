"""Fill in a connect form from `--set` options, and from the person at the terminal for what is missing."""

import sys
from collections.abc import Iterable, Sequence

from aforo.app.cli import ask
from aforo.app.cli.api import View
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import Failure, failure
from aforo.app.cli.files import text_of
from aforo.app.cli.session import Session


def given(session: Session, fields: Sequence[View], sets: Iterable[str]) -> dict[str, str]:
    """The values of `--set NAME=VALUE`, `NAME=@FILE` and `NAME=-`, checked for names only; the API checks values."""
    known = {field["name"]: field for field in fields}
    values: dict[str, str] = {}
    for one in sets:
        name, equals, raw = one.partition("=")
        if not equals or name not in known:
            raise _no_such_field(one, name, known)
        values[name] = _read(name, raw)
        if known[name]["secret"] and raw == values[name] != "":
            session.warn(
                f"{name} now stands in your shell's history and was visible to other users of this machine. "
                f"Better: --set {name}=@FILE, --set {name}=- for standard input, or leave it out to be asked."
            )
    return values


def completed(session: Session, fields: Sequence[View], values: dict[str, str]) -> dict[str, str]:
    """With what is still missing asked for; where nobody can be asked, a failure names every missing field at once."""
    lacking = [field for field in fields if is_missing(field, values)]
    if lacking and not session.can_ask:
        raise _incomplete(lacking)
    return {**values, **{field["name"]: _asked(field) for field in lacking}}


def is_missing(field: View, values: dict[str, str]) -> bool:
    """Required now; a field marked `later` can be known only once the integration is saved."""
    return bool(field["required"] and not field.get("later") and not field["default"] and not values.get(field["name"]))


def chosen(session: Session, noun: str, option: str, word: str | None, rows: Sequence[View]) -> View:
    """The row with this key; asked for on a terminal, and taken silently where there is only one."""
    keys = [row["key"] for row in rows]
    if word is None and len(rows) == 1:
        return rows[0]
    if word is None and session.can_ask:
        session.show({"data": list(rows)}, lambda told: _choices(told["data"]))
        default = next((row["key"] for row in rows if row.get("recommended")), "")
        word = ask.text(noun, default=default)
    for row in rows:
        if row["key"] == word:
            return row
    named = f"There is no {noun.lower()} {word!r}." if word else f"{option} is not given."
    raise failure(
        "unknown_gateway",
        Exit.INVALID if word else Exit.USAGE,
        f"Which {noun.lower()}?",
        f"{named} There is {', '.join(keys)}.",
        next_step=f"Give {option} with one of them; aforo integrations gateways tells more.",
        unharmed="Nothing was saved.",
    )


def _choices(rows: Sequence[View]) -> str:
    return "\n".join(
        f"  {row['key']}  {row.get('label') or row.get('name')}{'  (recommended)' if row.get('recommended') else ''}"
        for row in rows
    )


def _read(name: str, raw: str) -> str:
    """`@@` begins a value that itself begins with @."""
    if raw == "-":
        return sys.stdin.read().rstrip("\r\n")
    if raw.startswith("@@"):
        return raw[1:]
    if not raw.startswith("@"):
        return raw
    return _file(name, raw[1:])


def _file(name: str, path: str) -> str:
    next_step = f"Name a file that you can read: --set {name}=@FILE"
    return text_of(path, purpose=name, next_step=next_step, unharmed="Nothing was saved.").rstrip("\r\n")


def _asked(field: View) -> str:
    hint = f" ({field['hint']})" if field["hint"] else ""
    if field["kind"] == "multiline":
        return _file(field["name"], ask.text(f"{field['label']}{hint}, path of a file"))
    choices = f" [{', '.join(field['choices'])}]" if field["choices"] else ""
    return ask.text(f"{field['label']}{hint}{choices}", secret=field["secret"])


def _no_such_field(one: str, name: str, known: Iterable[str]) -> Failure:
    what = f"{name!r} is no field of this sign-in." if "=" in one else f"--set {name} has no value."
    return failure(
        "unknown_field",
        Exit.USAGE,
        "No such setting",
        f"{what} The fields are {', '.join(known)}.",
        next_step="Give --set NAME=VALUE with one of them.",
        unharmed="Nothing was saved.",
    )


def _incomplete(lacking: Sequence[View]) -> Failure:
    fault = failure(
        "settings_missing",
        Exit.INVALID,
        "The connection's settings are not complete",
        f"{', '.join(field['name'] for field in lacking)} is missing.",
        next_step="Add --set NAME=VALUE, or --set NAME=@FILE for a secret; on a terminal you would be asked.",
        unharmed="Nothing was saved.",
    )
    fault.problem["errors"] = [
        {"pointer": f"/settings/{field['name']}", "detail": f"{field['label']} is required"} for field in lacking
    ]
    return fault
