"""The words in which the schemas of Kong's entities and plugins are written down here.

Each word builds one node of the tree that `GET /schemas/…` answers, so the same value is served, fills in defaults and
validates. Facts are named as Kong names them (`required`, `default`, `between`, `one_of`, `len_min`, …); patterns are
Lua patterns. A `required=False` that Kong states is stated here too, though it changes nothing.
"""

from typing import Any

Schema = dict[str, Any]
Fields = dict[str, Schema]

HTTP = ["grpc", "grpcs", "http", "https"]
ANY = ["grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"]


def string(**facts: Any) -> Schema:
    return {"type": "string", **facts}


def text(**facts: Any) -> Schema:
    """A string whose least length Kong states."""
    return string(len_min=1, **facts)


def choice(*values: object, **facts: Any) -> Schema:
    return string(one_of=list(values), **facts)


def secret(**facts: Any) -> Schema:
    """A string that the Enterprise keyring would encrypt and that may be a reference into a vault."""
    return string(encrypted=True, referenceable=True, **facts)


def integer(**facts: Any) -> Schema:
    return {"type": "integer", **facts}


def number(**facts: Any) -> Schema:
    return {"type": "number", **facts}


def boolean(**facts: Any) -> Schema:
    return {"type": "boolean", **facts}


def flag(default: bool) -> Schema:
    """A boolean that always has a value."""
    return boolean(required=True, default=default)


def port(**facts: Any) -> Schema:
    return integer(between=[0, 65535], **facts)


def millis(default: int) -> Schema:
    return integer(between=[0, 2147483646], default=default)


def array(elements: Schema, **facts: Any) -> Schema:
    return {"type": "array", "elements": elements, **facts}


def set_of(elements: Schema, **facts: Any) -> Schema:
    return {"type": "set", "elements": elements, **facts}


def map_of(keys: Schema, values: Schema, **facts: Any) -> Schema:
    return {"type": "map", "keys": keys, "values": values, **facts}


def record(
    fields: Fields, *, shorthands: Fields | None = None, checks: list[Schema] | None = None, **facts: Any
) -> Schema:
    node: Schema = {"type": "record", "fields": named(fields), **facts}
    if shorthands:
        node["shorthand_fields"] = named(shorthands)
    if checks:
        node["entity_checks"] = checks
    return node


def foreign(reference: str, **facts: Any) -> Schema:
    return {"type": "foreign", "reference": reference, **facts}


def named(fields: Fields) -> list[Fields]:
    """Kong's ordered form of fields: a list of one-member objects."""
    return [{name: node} for name, node in fields.items()]


def entity(fields: Fields, *checks: Schema) -> Schema:
    return {"entity_checks": list(checks), "fields": named(fields)}


def identifier() -> Schema:
    return text(uuid=True, auto=True)


def moment() -> Schema:
    """Seconds since 1970, set by the server."""
    return integer(timestamp=True, auto=True)


# Entity checks: rules between fields.


def at_least_one_of(*fields: str) -> Schema:
    return {"at_least_one_of": list(fields)}


def only_one_of(*fields: str) -> Schema:
    return {"only_one_of": list(fields)}


def mutually_required(*fields: str) -> Schema:
    return {"mutually_required": list(fields)}


def distinct(*fields: str) -> Schema:
    return {"distinct": list(fields)}


def when(field: str, matches: Schema, then: str, must: Schema, error: str | None = None) -> Schema:
    rule: Schema = {"if_field": field, "if_match": matches, "then_field": then, "then_match": must}
    return {"conditional": rule if error is None else {**rule, "then_err": error}}


def when_at_least_one_of(field: str, matches: Schema, then: list[str], error: str) -> Schema:
    return {
        "conditional_at_least_one_of": {
            "if_field": field,
            "if_match": matches,
            "then_at_least_one_of": then,
            "then_err": error,
        }
    }


def in_code(*sources: str, **facts: Any) -> Schema:
    """A check that Kong has written as Lua code: the schema only names what it reads."""
    return {"custom_entity_check": {"field_sources": list(sources), **facts}}
