"""The closed list: what C# of an expression may name, and for each its twin in Python.

Every key is `Type.Member` or `Type.Method()`; a test calls every one. JSON's null is a token and not null, as in
Newtonsoft's library.
"""

import json
import math
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aforo.gateways.azure.emulator.engine import NotEmulated

_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


class CsharpFault(Exception):
    """The expression fails as it would in .NET: no such key, null where there must be something."""


class JsonNull:
    """A JSON null, which is a token."""


class Variables(dict[str, Any]):
    """`context.Variables`."""


class Headers(dict[str, str]):
    """By lower-case name."""


class Thing(dict[str, Any]):
    """An object of the context with its type's name, such as IResponse."""

    def __init__(self, kind: str, **members: Any) -> None:
        super().__init__(members)
        self.kind = kind


def kind_of(value: Any) -> str:
    """The type's name in C#."""
    if isinstance(value, Thing):
        return value.kind
    for known, name in _KINDS:
        if isinstance(value, known):
            return name
    raise NotEmulated(f"a value of Python's type {type(value).__name__}")


_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "bool"), (int, "int"), (float, "double"), (str, "string"), (datetime, "DateTime"),
    (timedelta, "TimeSpan"), (Variables, "Variables"), (Headers, "Headers"), (dict, "JObject"), (list, "JArray"),
    (JsonNull, "JNull"), (uuid.UUID, "Guid"),
)  # fmt: skip


def text(value: Any) -> str:
    """As C# puts a value into a string."""
    if value is None or isinstance(value, JsonNull):
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return plain(value) if isinstance(value, dict | list) else str(value)


def plain(value: Any) -> str:
    """JSON, indented as JObject.ToString() writes it."""
    return json.dumps(_without_nulls(value), indent=2, ensure_ascii=False)


def token(value: Any) -> Any:
    """A parsed JSON value with tokens for its nulls."""
    if value is None:
        return JsonNull()
    if isinstance(value, dict):
        return {name: token(one) for name, one in value.items()}
    return [token(one) for one in value] if isinstance(value, list) else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, JsonNull):
        return None
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items()}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def cast(kind: str, value: Any, *, nullable: bool) -> Any:
    """`(type)value`, of tokens as well; raises CsharpFault where .NET throws."""
    if isinstance(value, JsonNull):
        value = None
    if value is None:
        if kind in _NUMBERS and not nullable:
            raise CsharpFault(f"null cannot be {kind}")
        return None
    if kind == "string":
        return text(value)
    if kind in _NUMBERS:
        return _number(kind, value)
    if kind != kind_of(value):
        raise CsharpFault(f"{kind_of(value)} cannot be {kind}")
    return value


_NUMBERS: Final[Mapping[str, Callable[[Any], Any]]] = {"int": int, "long": int, "double": float, "bool": bool}


def _number(kind: str, value: Any) -> Any:
    if isinstance(value, str) and kind == "bool":
        return value.lower() == "true"
    try:
        return _NUMBERS[kind](value)
    except (TypeError, ValueError) as fault:
        raise CsharpFault(f"{value!r} cannot be {kind}") from fault


def _parsed(value: str) -> Any:
    try:
        return token(json.loads(value))
    except ValueError as fault:
        raise CsharpFault("the text is no JSON") from fault


def _as_object(body: Thing) -> Any:
    """A body can be read once, unless its content is preserved."""
    if body.get("read"):
        raise CsharpFault("the body was read before; As<T>(preserveContent: true) is not emulated")
    body["read"] = True
    found = _parsed(body["text"])
    if not isinstance(found, dict):
        raise CsharpFault("the body is no JSON object")
    return found


def _as_text(body: Thing) -> str:
    body["read"] = True
    return str(body["text"])


def _date(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def _formatted(at: datetime, form: str) -> str:
    if form not in ("o", "yyyy-MM-ddTHH:mm:ss.fffZ"):
        raise NotEmulated(f"the date format {form!r}")
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{at.microsecond:06}0Z" if form == "o" else f"{at.microsecond // 1000:03}Z"
    )


def _joined(*properties: tuple[str, Any]) -> dict[str, Any]:
    return {name: token(value) for name, value in properties}


PROPERTIES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "string.Length": len,
    "DateTime.Ticks": lambda at: (at - _BEGINNING) // timedelta(microseconds=1) * 10,
    "TimeSpan.TotalSeconds": lambda span: span.total_seconds(),
    "TimeSpan.TotalMilliseconds": lambda span: span.total_seconds() * 1000,
    "JArray.Count": len,
}
METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "string.Contains()": lambda whole, part: part in whole,
    "string.StartsWith()": lambda whole, part: whole.startswith(part),
    "string.EndsWith()": lambda whole, part: whole.endswith(part),
    "string.Replace()": lambda whole, old, new: whole.replace(old, new),
    "string.ToLower()": str.lower,
    "string.ToUpper()": str.upper,
    "string.Trim()": str.strip,
    "string.Substring()": lambda whole, start, length=None: whole[start : None if length is None else start + length],
    "string.ToString()": text,
    "int.ToString()": text,
    "bool.ToString()": text,
    "double.ToString()": text,
    "Guid.ToString()": text,
    "JObject.ToString()": plain,
    "JArray.ToString()": plain,
    "DateTime.ToString()": _formatted,
    "DateTime.Subtract()": lambda at, other: at - other,
    "Body.As<JObject>()": _as_object,
    "Body.As<string>()": _as_text,
    "Variables.ContainsKey()": lambda found, name: name in found,
    "Variables.GetValueOrDefault<string>()": lambda found, name, other=None: found.get(name, other),
    "Variables.GetValueOrDefault<int>()": lambda found, name, other=0: found.get(name, other),
    "Variables.GetValueOrDefault<bool>()": lambda found, name, other=False: found.get(name, other),
    "Headers.GetValueOrDefault()": lambda found, name, other=None: found.get(name.lower(), other),
    "Headers.ContainsKey()": lambda found, name: name.lower() in found,
    "Query.GetValueOrDefault()": lambda found, name, other=None: found.get(name, other),
}
STATICS: Final[Mapping[str, Any]] = {
    "Math.Min()": min,
    "Math.Max()": max,
    "Math.Ceiling()": lambda value: float(math.ceil(value)),
    "DateTime.Parse()": _date,
    "JObject.Parse()": _parsed,
    "string.IsNullOrEmpty()": lambda value: not value,
    "string.Concat()": lambda *parts: "".join(map(text, parts)),
    "int.Parse()": lambda value: _number("int", value),
    "Guid.NewGuid()": uuid.uuid4,
}
"""`DateTime.UtcNow` besides: it is the clock's."""

CONSTRUCTORS: Final[Mapping[str, Callable[..., Any]]] = {
    "JObject": _joined,
    "JProperty": lambda name, value: (name, value),
    "JArray": lambda *values: [token(value) for value in values],
}

CONTEXT: Final[Mapping[str, tuple[str, ...]]] = {
    "Context": ("Api", "Deployment", "Elapsed", "LastError", "Operation", "Product", "Request", "RequestId", "Response",
                "Subscription", "Timestamp", "User", "Variables"),
    "Request": ("Body", "Headers", "IpAddress", "Method", "OriginalUrl", "Url"),
    "IResponse": ("Body", "Headers", "StatusCode", "StatusReason"),
    "Url": ("Host", "Path", "Query", "QueryString", "Scheme"),
    "Subscription": ("Id", "Key", "Name", "PrimaryKey", "SecondaryKey"),
    "Product": ("Id", "Name"),
    "Api": ("Id", "Name", "Path"),
    "Operation": ("Id", "Method", "Name", "UrlTemplate"),
    "User": ("Id", "Email"),
    "LastError": ("Message", "Reason", "Scope", "Section", "Source"),
    "Deployment": ("Region", "ServiceName"),
}  # fmt: skip
"""Members of the context's objects, by type."""
