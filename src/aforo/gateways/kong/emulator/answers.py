"""What the Admin API answers: statuses, bodies and, above all, the shapes of its errors.

Codes, names and wordings are those of recorded answers, but for `operation unsupported` (DB-less) and `invalid
declarative configuration`, which come from the vendor's description.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import lua

Errors = dict[str, Any]
"""Messages by field, nested as the fields are; rules between fields stand in a list under "@entity"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON value; `text` instead of it where Kong does not speak JSON, `raw` where it is only bytes."""

    status: int
    body: object = None
    text: str | None = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A request that ends here, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


NOT_FOUND = Answer(404, {"message": "Not found"})
METHOD_NOT_ALLOWED = Answer(405, {"message": "Method not allowed"})
UNEXPECTED = Answer(500, {"message": "An unexpected error occurred"})
UNREADABLE = Answer(400, {"message": "Cannot parse JSON body"})
GONE = Answer(204)


def _error(status: int, code: int, name: str, message: str, **more: object) -> Refused:
    return Refused(Answer(status, {"code": code, "name": name, "message": message, **more}))


def schema_violation(errors: Errors) -> Refused:
    said = list(_said(errors))
    count = "schema violation" if len(said) == 1 else f"{len(said)} schema violations"
    return _error(400, 2, "schema violation", f"{count} ({'; '.join(said)})", fields=errors)


def _said(errors: Errors) -> Iterator[str]:
    for name in sorted(errors):
        found = errors[name]
        if isinstance(found, str):
            yield f"{name}: {found}"
        elif name == "@entity":
            yield from found
        elif isinstance(found, list):
            yield from (f"{name}.{index}: {_shown(one)}" for index, one in enumerate(found, 1) if one is not None)
        else:
            yield from (f"{name}.{member}: {_shown(found[member])}" for member in sorted(found))


def _shown(found: object) -> str:
    return found if isinstance(found, str) else lua.printed(found)


def primary_key_taken(row_id: str) -> Refused:
    message = f"primary key violation on key '{lua.one_line({'id': row_id})}'"
    return _error(400, 3, "primary key violation", message, fields={"id": row_id})


def foreign_key_missing(member: str, parents: str, row_id: str) -> Refused:
    message = f"the foreign key '{lua.one_line({'id': row_id})}' does not reference an existing '{parents}' entity."
    return _error(400, 4, "foreign key violation", message, fields={member: {"id": row_id}})


def still_referenced(kind: str, by: str) -> Refused:
    message = f"an existing '{by}' entity references this '{kind}' entity"
    return _error(400, 4, "foreign key violation", message, fields={"@referenced_by": by})


def not_unique(values: Mapping[str, object]) -> Refused:
    message = f"UNIQUE violation detected on '{lua.one_line(values)}'"
    return _error(409, 5, "unique constraint violation", message, fields=dict(values))


def no_such_entity(key: Mapping[str, str]) -> Refused:
    return _error(404, 6, "not found", f"could not find the entity with '{lua.one_line(key)}'", fields=dict(key))


def invalid_offset(offset: str, why: str) -> Refused:
    return _error(400, 7, "invalid offset", f"'{offset}' is not a valid offset: bad {why} encoding")


def invalid_size(why: str) -> Refused:
    return _error(400, 9, "invalid size", why)


def invalid_option(option: str, why: str) -> Refused:
    return _error(400, 11, "invalid options", f"invalid option ({option}: {why})", options={option: why})


def read_only(verb: str, kind: str) -> Refused:
    """DB-less nodes take their configuration as a whole."""
    return _error(405, 12, "operation unsupported", f"cannot {verb} '{kind}' entities when not using a database")


def foreign_key_unresolved(member: str, parents: str, handle: str, value: str) -> Refused:
    key = lua.one_line({handle: value})
    why = f"the foreign key cannot be resolved with '{key}' for an existing '{parents}' entity"
    message = f"foreign key unresolved ({member}.{handle}: {why})"
    return _error(400, 13, "foreign keys unresolved", message, fields={member: {handle: why}})


def invalid_declaration(errors: Errors, flattened: list[dict[str, object]] | None = None) -> Refused:
    more = {} if flattened is None else {"flattened_errors": flattened}
    message = f"declarative config is invalid: {lua.printed(errors)}"
    return _error(400, 14, "invalid declarative configuration", message, fields=errors, **more)


def unsupported_media_type() -> Refused:
    """Comes from the web server below Kong, not from Kong: a page in HTML."""
    title = "415 Unsupported Media Type"
    head = f"<head><title>{title}</title></head>"
    body = f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>"
    page = f"<html>\r\n{head}\r\n{body}\r\n</html>\r\n"
    return Refused(Answer(415, text=page, headers={"content-type": "text/html; charset=utf-8"}))
