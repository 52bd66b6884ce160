"""Names by which a person would recognise an object, and which outlive its id."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aforo.gateways.kong.mapping.schema import Row
from aforo.kit.jsontree import canonical


def service_key(row: Row) -> str:
    return str(row.get("name") or row["id"])


def route_key(row: Row) -> str:
    """The name, else what the route listens to: `GET,POST api.example.com /orders x-tier=gold`."""
    return str(row.get("name") or _signature(row))


def plugin_key(row: Row, names: Mapping[str, str]) -> str:
    """`rate-limiting@service`, `cors@route:orders-r`, `rate-limiting@service consumer:alice as gold-limit`."""
    where = f"route:{_key_of(row, 'route', names)}" if _id(row, "route") else "service"
    who = "".join(f" {one}:{_key_of(row, one, names)}" for one in ("consumer", "consumer_group") if _id(row, one))
    instance = f" as {row['instance_name']}" if row.get("instance_name") else ""
    return f"{row.get('name')}@{where}{who}{instance}"


def target_key(row: Row) -> str:
    return str(row.get("target") or row["id"])


def consumer_key(row: Row) -> str:
    return str(row.get("username") or row.get("custom_id") or row.get("name") or row["id"])


def distinct(rows: Iterable[Row], key_of: Callable[[Row], str]) -> dict[str, str]:
    """Native id → key. Rows with the same key get ` #2`, ` #3` in the order of their content, ids and times aside."""
    alike: dict[str, list[Row]] = {}
    for row in rows:
        alike.setdefault(key_of(row), []).append(row)
    found: dict[str, str] = {}
    for key, same in alike.items():
        ordered = sorted(same, key=_content) if len(same) > 1 else same
        found.update((row["id"], key if not place else f"{key} #{place + 1}") for place, row in enumerate(ordered))
    return found


def _signature(row: Row) -> str:
    parts = [
        ",".join(sorted(row.get("methods") or ())),
        ",".join(sorted(row.get("hosts") or ())),
        ",".join(sorted(row.get("paths") or ())),
        " ".join(f"{name}={','.join(sorted(values))}" for name, values in sorted((row.get("headers") or {}).items())),
        *(
            f"{one}:{','.join(sorted(map(_text, row[one])))}"
            for one in ("snis", "sources", "destinations")
            if row.get(one)
        ),
        str(row.get("expression") or ""),
    ]
    return " ".join(part for part in parts if part) or "everything"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ":".join(str(value[name]) for name in sorted(value) if value[name])


def _content(row: Row) -> str:
    return canonical({name: value for name, value in row.items() if name not in ("id", "created_at", "updated_at")})


def _id(row: Row, name: str) -> str | None:
    told = row.get(name)
    return told.get("id") if isinstance(told, dict) else None


def _key_of(row: Row, name: str, names: Mapping[str, str]) -> str:
    native = _id(row, name) or ""
    return names.get(native, native)
