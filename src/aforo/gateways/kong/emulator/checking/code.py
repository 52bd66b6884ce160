"""What Kong checks in Lua code, of which a schema shows nothing: names, tags, regular expressions, limits, criteria."""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from ..answers import Errors

FieldCode = Callable[[Mapping[str, Any]], Errors]

_NAME = re.compile(r"(?:[\w.~-]|[^\x00-\x7f])+\Z", re.ASCII)
_HOST = re.compile(
    r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?(?:\.\*)?\.?(?::\d+)?\Z"
    r"|\[?[0-9A-Fa-f:.]+\]?(?::\d+)?\Z"
)
_TARGET = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):\d{1,5}\Z")
_PERIODS = ("second", "minute", "hour", "day", "month", "year")

_PCRE_WORDS = {
    "missing ), unterminated subpattern": "missing closing parenthesis",
    "unbalanced parenthesis": "unmatched closing parenthesis",
    "unterminated character set": "missing terminating ] for character class",
    "nothing to repeat": "quantifier does not follow a repeatable item",
    "bad escape (end of pattern)": "\\ at end of pattern",
}

_CRITERIA = {
    "https": ("methods", "hosts", "headers", "paths", "snis"),
    "http": ("methods", "hosts", "headers", "paths"),
    "grpcs": ("hosts", "headers", "paths", "snis"),
    "grpc": ("hosts", "headers", "paths"),
    "tls": ("sources", "destinations", "snis"),
    "tcp": ("sources", "destinations"),
    "udp": ("sources", "destinations"),
    "tls_passthrough": ("snis",),
}
"""By which fields a route can be found, by protocol; where a route has two protocols, the earlier one decides."""
_FAMILIES = (("http", "https"), ("grpc", "grpcs"), ("tcp", "tls", "udp"), ("tls_passthrough",))


def field_code(kind: str, plugin: str | None = None) -> FieldCode:
    """All that is checked in code on single fields of this kind of entity."""
    checks = [_tags, *_CHECKS.get(kind, ()), *_PLUGIN_CHECKS.get(plugin or "", ())]

    def check(value: Mapping[str, Any]) -> Errors:
        return {name: error for one in checks for name, error in one(value).items()}

    return check


def route_violations(route: Mapping[str, Any], errors: Errors) -> Errors:
    """A route needs something to be found by, and nothing that its protocols do not have."""
    if "protocols" in errors or not route["protocols"]:
        return errors
    spoken = [name for name in _CRITERIA if name in route["protocols"]]
    possible = _CRITERIA[spoken[0]]
    family = next(names for names in _FAMILIES if spoken[0] in names)
    foreign = [name for name in ("methods", "sources", "destinations") if name not in possible and route.get(name)]
    for name in foreign:
        errors.setdefault(name, f"cannot set '{name}' when 'protocols' is {_either(family)}")
    if not any(route.get(name) for name in possible):
        wanted = ", ".join(f"'{name}'" for name in possible)
        errors.setdefault("@entity", []).append(f"must set one of {wanted} when 'protocols' is '{spoken[0]}'")
    return errors


def _either(names: tuple[str, ...]) -> str:
    quoted = [f"'{name}'" for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _tags(value: Mapping[str, Any]) -> Errors:
    said = "invalid tag '{}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences"
    return _each("tags", value, lambda tag: said.format(tag) if re.search(r"[,/\x00-\x1f\x7f]", tag) else None)


def _each(name: str, value: Mapping[str, Any], check: Callable[[str], str | None]) -> Errors:
    members = value.get(name)
    found = (
        [check(member) if isinstance(member, str) and member else None for member in members]
        if isinstance(members, list)
        else []
    )
    last = max((index for index, error in enumerate(found) if error is not None), default=-1)
    return {name: found[: last + 1]} if last >= 0 else {}


def _name(value: Mapping[str, Any]) -> Errors:
    name = value.get("name")
    if not isinstance(name, str) or not name or _NAME.match(name):
        return {}
    allowed = "the only accepted ascii characters are alphanumerics or ., -, _, and ~"
    return {"name": f"invalid value '{name}': {allowed}"}


def _service(value: Mapping[str, Any]) -> Errors:
    host = value.get("host")
    bad = isinstance(host, str) and host and not _HOST.match(host)
    return {**_name(value), **({"host": f"invalid value: {host}"} if bad else {})}


def _route(value: Mapping[str, Any]) -> Errors:
    hosts = _each(
        "hosts", value, lambda host: None if "*" in host or _HOST.match(host) else f"invalid hostname: {host}"
    )
    return {**_name(value), **hosts, **_each("paths", value, _regex_error)}


def _regex_error(path: str) -> str | None:
    if not path.startswith("~/"):
        return None
    try:
        re.compile(path[1:].replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!"))
    except re.error as error:
        why = _PCRE_WORDS.get(error.msg, error.msg)
        return f"invalid regex: '{path[1:]}' (PCRE returned: pcre2_compile() failed: {why} in \"{path[1:]}\")"
    return None


def _upstream(value: Mapping[str, Any]) -> Errors:
    name = value.get("name")
    bad = isinstance(name, str) and name and not _HOST.match(name)
    return {"name": "Invalid name ('" + str(name) + "'); must be a valid hostname"} if bad else {}


def _target(value: Mapping[str, Any]) -> Errors:
    target = value.get("target")
    bad = isinstance(target, str) and not _TARGET.match(target)
    return {"target": f"Invalid target ('{target}'); not a valid hostname or ip address"} if bad else {}


def _limits(value: Mapping[str, Any]) -> Errors:
    """A longer period may not have the lower limit."""
    config = value.get("config")
    error = _falling(config) if isinstance(config, dict) else None
    return {"config": error} if error else {}


def _limits_by_name(value: Mapping[str, Any]) -> Errors:
    config = value.get("config")
    limits = config.get("limits") if isinstance(config, dict) else None
    named = limits.items() if isinstance(limits, dict) else ()
    errors = {name: error for name, limit in named if isinstance(limit, dict) and (error := _falling(limit))}
    return {"config": {"limits": errors}} if errors else {}


def _falling(limits: Mapping[str, Any]) -> str | None:
    said = [(period, limits.get(period)) for period in _PERIODS]
    numbers = [(period, limit) for period, limit in said if isinstance(limit, (int, float)) and limit > 0]
    for (shorter, low), (longer, high) in pairwise(numbers):
        if high < low:
            return f"The limit for {longer}({high:.1f}) cannot be lower than the limit for {shorter}({low:.1f})"
    return None


_CHECKS: dict[str, tuple[FieldCode, ...]] = {
    "services": (_service,),
    "routes": (_route,),
    "upstreams": (_upstream,),
    "targets": (_target,),
}
_PLUGIN_CHECKS: dict[str, tuple[FieldCode, ...]] = {
    "rate-limiting": (_limits,),
    "response-ratelimiting": (_limits_by_name,),
}
