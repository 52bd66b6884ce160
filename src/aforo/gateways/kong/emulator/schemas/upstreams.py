"""Upstreams: how calls are spread over targets, and what counts as a healthy one."""

from .parts import NO_EMPTY_SEGMENTS
from .vocabulary import (
    Schema,
    array,
    boolean,
    choice,
    distinct,
    entity,
    flag,
    foreign,
    identifier,
    integer,
    map_of,
    moment,
    number,
    record,
    set_of,
    string,
    text,
    when,
)

_GOOD = [*range(200, 209), 226, *range(300, 309)]
_BAD = [429, 404, 500, 501, 502, 503, 504, 505]
_PROBES = ("tcp", "http", "https", "grpc", "grpcs")
_HASHES = ["none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"]

_PASSIVE_HEALTHY = {"successes": 0, "http_statuses": _GOOD}
_PASSIVE_UNHEALTHY = {"timeouts": 0, "http_statuses": [429, 500, 503], "http_failures": 0, "tcp_failures": 0}
_PASSIVE = {"type": "http", "healthy": _PASSIVE_HEALTHY, "unhealthy": _PASSIVE_UNHEALTHY}
_ACTIVE_HEALTHY = {"interval": 0, "http_statuses": [200, 302], "successes": 0}
_ACTIVE_UNHEALTHY = {"interval": 0, "http_failures": 0, "http_statuses": _BAD, "timeouts": 0, "tcp_failures": 0}
_ACTIVE = {
    "type": "http",
    "healthy": _ACTIVE_HEALTHY,
    "concurrency": 10,
    "https_verify_certificate": True,
    "unhealthy": _ACTIVE_UNHEALTHY,
    "http_path": "/",
    "timeout": 1,
}


def _facts(defaults: Schema) -> Schema:
    """A record of counters, seconds and statuses, each with its default, and the same defaults as a whole."""
    fields = {name: _fact(name, default) for name, default in defaults.items()}
    return record(fields, required=True, default=defaults)


def _fact(name: str, default: object) -> Schema:
    if isinstance(default, list):
        return array(integer(between=[100, 999]), default=default)
    return (
        number(between=[0, 65535], default=default)
        if name == "interval"
        else integer(between=[0, 255], default=default)
    )


def _hash_rules() -> list[Schema]:
    header, cookie, query = {"match": "^header$"}, {"match": "^cookie$"}, {"match": "^query_arg$"}
    capture, needed = {"match": "^uri_capture$"}, {"required": True}
    return [
        when("hash_on", header, "hash_on_header", needed),
        when("hash_fallback", header, "hash_fallback_header", needed),
        when("hash_on", cookie, "hash_on_cookie", needed),
        when("hash_fallback", cookie, "hash_on_cookie", needed),
        when("hash_on", {"match": "^none$"}, "hash_fallback", {"one_of": ["none"]}),
        when("hash_on", cookie, "hash_fallback", {"one_of": ["none"]}),
        _another_fallback("consumer", ["none", "ip", "header", "cookie", "path", "query_arg", "uri_capture"]),
        _another_fallback("ip", ["none", "consumer", "header", "cookie", "path", "query_arg", "uri_capture"]),
        _another_fallback("path", ["none", "consumer", "header", "cookie", "query_arg", "ip", "uri_capture"]),
        distinct("hash_on_header", "hash_fallback_header"),
        when("hash_on", query, "hash_on_query_arg", needed),
        when("hash_fallback", query, "hash_fallback_query_arg", needed),
        distinct("hash_on_query_arg", "hash_fallback_query_arg"),
        when("hash_on", capture, "hash_on_uri_capture", needed),
        when("hash_fallback", capture, "hash_fallback_uri_capture", needed),
        distinct("hash_on_uri_capture", "hash_fallback_uri_capture"),
    ]


def _another_fallback(hash_on: str, fallbacks: list[str]) -> Schema:
    return when("hash_on", {"match": f"^{hash_on}$"}, "hash_fallback", {"one_of": fallbacks})


_PASSIVE_CHECKS = record(
    {
        "type": choice(*_PROBES, default="http"),
        "healthy": _facts(_PASSIVE_HEALTHY),
        "unhealthy": _facts(_PASSIVE_UNHEALTHY),
    },
    required=True,
    default=_PASSIVE,
)
_ACTIVE_CHECKS = record(
    {
        "type": choice(*_PROBES, default="http"),
        "healthy": _facts(_ACTIVE_HEALTHY),
        "concurrency": integer(between=[1, 2147483648], default=10),
        "https_sni": string(required=False),
        "https_verify_certificate": flag(True),
        "headers": map_of(string(), array(string()), required=False),
        "unhealthy": _facts(_ACTIVE_UNHEALTHY),
        "http_path": string(default="/", match_none=NO_EMPTY_SEGMENTS, starts_with="/"),
        "timeout": number(between=[0, 65535], default=1),
    },
    required=True,
    default=_ACTIVE,
)

UPSTREAMS = entity(
    {
        "id": identifier(),
        "created_at": moment(),
        "name": text(required=True, unique=True),
        "updated_at": moment(),
        "algorithm": text(
            one_of=["consistent-hashing", "least-connections", "round-robin", "latency"], default="round-robin"
        ),
        "hash_on": text(one_of=_HASHES, default="none"),
        "hash_fallback": text(one_of=_HASHES, default="none"),
        "hash_on_header": string(),
        "hash_fallback_header": string(),
        "hash_on_cookie": string(),
        "hash_on_cookie_path": text(default="/", match_none=NO_EMPTY_SEGMENTS, starts_with="/"),
        "hash_on_query_arg": text(),
        "hash_fallback_query_arg": text(),
        "hash_on_uri_capture": text(),
        "hash_fallback_uri_capture": text(),
        "slots": integer(between=[10, 65536], default=10000),
        "healthchecks": record(
            {"passive": _PASSIVE_CHECKS, "active": _ACTIVE_CHECKS, "threshold": number(between=[0, 100], default=0)},
            required=True,
            default={"passive": _PASSIVE, "active": _ACTIVE},
        ),
        "tags": set_of(string(required=True)),
        "host_header": string(),
        "client_certificate": foreign("certificates"),
        "use_srv_name": boolean(default=False),
    },
    *_hash_rules(),
)
