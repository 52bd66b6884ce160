"""What is wrong with single values, in Kong's words."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from .. import lua
from ..answers import Errors
from ..schemas import Schema
from .rules import merge, rule_violations

UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
REQUIRED = "required field missing"
InCode = Callable[[Mapping[str, Any]], Errors]
"""A check of single fields that no schema shows."""

_EXPECTED = {
    "string": "expected a string",
    "boolean": "expected a boolean",
    "number": "expected a number",
    "integer": "expected an integer",
    "array": "expected an array",
    "set": "expected a set",
    "map": "expected a map",
    "record": "expected a record",
}


def violations(schema: Schema, value: Mapping[str, Any], in_code: InCode | None = None) -> Errors:
    """All that is wrong with a filled record, by field; rules between fields only where their fields are sound."""
    known = _known(schema)
    found = {name: problem(known[name], member) if name in known else "unknown field" for name, member in value.items()}
    errors: Errors = {name: error for name, error in found.items() if error is not None}
    if in_code is not None:
        merge(errors, in_code(value))
    return rule_violations(schema.get("entity_checks", []), value, errors, problem)


def _known(schema: Schema) -> dict[str, Schema]:
    parts = [*schema["fields"], *schema.get("shorthand_fields", [])]
    return {name: node for entry in parts for name, node in entry.items()}


def problem(node: Schema, value: Any) -> Any:
    """What is wrong with one value: a message, messages by member, or None."""
    if value is None:
        return _problem_of_null(node)
    if "eq" in node and value != node["eq"]:
        return f"value must be {lua.plain(node['eq'])}"
    kind = node.get("type")
    if kind == "foreign":
        return _problem_of_reference(value)
    if kind is not None and not _is_a(kind, value):
        return _EXPECTED[kind]
    return _first_broken_limit(node, value) or _problem_inside(node, value)


def _problem_of_null(node: Schema) -> str | None:
    if "eq" in node and node["eq"] is not None:
        return f"value must be {lua.plain(node['eq'])}"
    return REQUIRED if node.get("required") else None


def _problem_of_reference(value: Any) -> Errors | None:
    row_id = value.get("id") if isinstance(value, dict) else None
    if row_id is None:
        return {"id": "missing primary key"}
    return None if isinstance(row_id, str) and UUID.match(row_id) else {"id": "expected a valid UUID"}


def _is_a(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "array" | "set":
            return isinstance(value, list)
    return isinstance(value, dict)


def _first_broken_limit(node: Schema, value: Any) -> str | None:
    return _length(node, value) or _range(node, value) or _pattern(node, value)


def _length(node: Schema, value: Any) -> str | None:
    if not isinstance(value, (str, list)):
        return None
    least = node.get("len_min", 1 if isinstance(value, str) and node.get("type") == "string" else 0)
    if len(value) < least:
        return f"length must be at least {least}"
    if "len_max" in node and len(value) > node["len_max"]:
        return f"length must be at most {node['len_max']}"
    return f"length must be {node['len_eq']}" if len(value) != node.get("len_eq", len(value)) else None


def _range(node: Schema, value: Any) -> str | None:
    if "between" in node and not node["between"][0] <= value <= node["between"][1]:
        return "value should be between {} and {}".format(*map(lua.plain, node["between"]))
    if "gt" in node and not value > node["gt"]:
        return f"value must be greater than {lua.plain(node['gt'])}"
    if "one_of" in node and value not in node["one_of"]:
        return f"expected one of: {', '.join(map(lua.plain, node['one_of']))}"
    if "not_one_of" in node and value in node["not_one_of"]:
        return f"must not be one of: {', '.join(map(lua.plain, node['not_one_of']))}"
    return f"expected to contain: {node['contains']}" if "contains" in node and node["contains"] not in value else None


def _pattern(node: Schema, value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    if node.get("uuid") and not UUID.match(value):
        return "expected a valid UUID"
    if "starts_with" in node and not value.startswith(node["starts_with"]):
        return f"should start with: {node['starts_with']}"
    if "match" in node and not lua.pattern(node["match"]).search(value):
        return str(node.get("err", f"invalid value: {value}"))
    return _patterns(node, value)


def _patterns(node: Schema, value: str) -> str | None:
    any_of = node.get("match_any")
    if any_of and not any(lua.pattern(one).search(value) for one in any_of["patterns"]):
        return str(any_of["err"])
    for rule in node.get("match_all", []):
        if not lua.pattern(rule["pattern"]).search(value):
            return str(rule["err"])
    for rule in node.get("match_none", []):
        if lua.pattern(rule["pattern"]).search(value):
            return str(rule["err"])
    return None


def _problem_inside(node: Schema, value: Any) -> Any:
    kind = node.get("type")
    if kind == "record" and "fields" in node:
        return violations(node, value) or None
    if kind == "map":
        return _problem_of_map(node, value)
    if isinstance(value, list) and "elements" in node:
        return _problem_of_list(node, value)
    return None


def _problem_of_map(node: Schema, value: dict[str, Any]) -> Errors | None:
    found = {key: problem(node["keys"], key) or problem(node["values"], member) for key, member in value.items()}
    return {key: error for key, error in found.items() if error is not None} or None


def _problem_of_list(node: Schema, value: list[Any]) -> Any:
    found = [problem(node["elements"], member) for member in value]
    last = max((index for index, error in enumerate(found) if error is not None), default=-1)
    if last >= 0:
        return found[: last + 1]
    subsets = node.get("mutually_exclusive_subsets", [])
    if sum(any(member in subset for member in value) for subset in subsets) > 1:
        shown = ", ".join("('{}')".format("', '".join(subset)) for subset in subsets)
        return f"these sets are mutually exclusive: {shown}"
    return None
