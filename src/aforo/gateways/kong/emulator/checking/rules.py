"""Rules between fields, as far as the schemas state them; those written in Lua are in `code`."""

from collections.abc import Callable, Mapping
from typing import Any

from ..answers import Errors
from ..schemas import Schema

Problem = Callable[[Schema, Any], Any]
Broken = tuple[str, Errors]
"""What is said of the entity, and what of its fields."""


def rule_violations(checks: list[Schema], value: Mapping[str, Any], errors: Errors, problem: Problem) -> Errors:
    """`errors` with what the rules add; a rule is left out where a field that it reads is unsound already."""
    unsound = set(errors)
    for check in checks:
        (name, argument), *_ = check.items()
        if not unsound & {field.split(".")[0] for field in _reads(argument)}:
            broken = _broken(name, argument, value, problem)
            if broken is not None:
                errors.setdefault("@entity", []).append(broken[0])
                merge(errors, broken[1])
    return errors


def merge(errors: Errors, more: Errors) -> None:
    for name, error in more.items():
        if isinstance(error, dict) and isinstance(errors.get(name), dict):
            merge(errors[name], error)
        else:
            errors.setdefault(name, error)


def at(path: str, message: object) -> Errors:
    """An error at a dotted path."""
    name, _, rest = path.partition(".")
    return {name: at(rest, message) if rest else message}


def look(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _broken(name: str, argument: Any, value: Mapping[str, Any], problem: Problem) -> Broken | None:
    if name in _PLAIN:
        return _PLAIN[name](argument, value)
    return _MATCHING[name](argument, value, problem) if name in _MATCHING else None


def _reads(argument: Any) -> list[str]:
    if isinstance(argument, list):
        return argument
    return [argument[part] for part in ("if_field", "then_field") if part in argument]


def _present(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _quoted(fields: list[str]) -> str:
    return ", ".join(f"'{field}'" for field in fields)


def _at_least_one(fields: list[str], value: Mapping[str, Any]) -> Broken | None:
    if any(_present(look(value, field)) for field in fields):
        return None
    return f"at least one of these fields must be non-empty: {_quoted(fields)}", {}


def _only_one(fields: list[str], value: Mapping[str, Any]) -> Broken | None:
    if sum(_present(look(value, field)) for field in fields) == 1:
        return None
    return f"exactly one of these fields must be non-empty: {_quoted(fields)}", {}


def _all_or_none(fields: list[str], value: Mapping[str, Any]) -> Broken | None:
    if sum(_present(look(value, field)) for field in fields) in (0, len(fields)):
        return None
    return f"all or none of these fields must be set: {_quoted(fields)}", {}


def _distinct(fields: list[str], value: Mapping[str, Any]) -> Broken | None:
    values = [found for field in fields if _present(found := look(value, field))]
    if len(values) == len(set(values)):
        return None
    return f"values of these fields must be distinct: {_quoted(fields)}", {}


def _conditional(rule: Schema, value: Mapping[str, Any], problem: Problem) -> Broken | None:
    if problem(rule["if_match"], look(value, rule["if_field"])) is not None:
        return None
    error = problem(rule["then_match"], look(value, rule["then_field"]))
    if error is None:
        return None
    general = f"failed conditional validation given value of field '{rule['if_field']}'"
    return rule.get("then_err", general), at(rule["then_field"], error)


def _conditional_at_least_one(rule: Schema, value: Mapping[str, Any], problem: Problem) -> Broken | None:
    fields = rule["then_at_least_one_of"]
    met = look(value, rule["if_field"])
    if met is None or problem(rule["if_match"], met) is not None or any(_present(look(value, f)) for f in fields):
        return None
    return rule["then_err"].replace("%s", _quoted(fields)), {}


_PLAIN: dict[str, Callable[[list[str], Mapping[str, Any]], Broken | None]] = {
    "at_least_one_of": _at_least_one,
    "only_one_of": _only_one,
    "mutually_required": _all_or_none,
    "distinct": _distinct,
}
_MATCHING: dict[str, Callable[[Schema, Mapping[str, Any], Problem], Broken | None]] = {
    "conditional": _conditional,
    "conditional_at_least_one_of": _conditional_at_least_one,
}
