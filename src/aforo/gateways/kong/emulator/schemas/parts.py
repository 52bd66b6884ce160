"""What several plugins' schemas have in common: protocols, queues, Redis, deprecated twins."""

from typing import Any

from .vocabulary import (
    ANY,
    HTTP,
    Fields,
    Schema,
    boolean,
    choice,
    flag,
    foreign,
    integer,
    millis,
    named,
    number,
    port,
    record,
    secret,
    set_of,
    string,
    text,
)

WIRE_FORMATS = ["datadog", "b3", "gcp", "b3-single", "jaeger", "aws", "ot", "w3c"]
NO_EMPTY_SEGMENTS = [{"err": "must not have empty segments", "pattern": "//"}]


def plugin(
    config: Fields,
    *checks: Schema,
    protocols: Schema | None = None,
    never_on: tuple[str, ...] = (),
    shorthands: Fields | None = None,
    config_checks: list[Schema] | None = None,
    protocols_first: bool = False,
) -> Schema:
    """A plugin's own part of the plugins entity: what its configuration is, and to what it may never be attached."""
    scopes = {scope: foreign(f"{scope}s", eq=None) for scope in never_on}
    spoken = {"protocols": protocols or HTTP_ONLY}
    fields = {**spoken, **scopes} if protocols_first else {**scopes, **spoken}
    fields["config"] = record(config, required=True, shorthands=shorthands, checks=config_checks)
    return {"entity_checks": list(checks), "fields": named(fields)}


def _protocols(element: Schema, default: list[str] = HTTP) -> Schema:
    return set_of(element, required=True, default=default)


HTTP_ONLY = _protocols(text(one_of=HTTP, required=True))
HTTP_LOOSE = _protocols(string(one_of=HTTP))
ANY_PROTOCOL = _protocols(text(one_of=ANY, required=True))
ANY_LOOSE = _protocols(string(one_of=ANY))
HTTP_AND_TCP = _protocols(string(one_of=ANY), default=["http", "https", "tcp", "tls", "grpc", "grpcs"])


def queue(**facts: Any) -> Schema:
    """How a plugin batches and retries what it sends."""
    return record(
        {
            "max_batch_size": integer(default=1, between=[1, 1000000]),
            "max_coalescing_delay": number(default=1, between=[0, 3600]),
            "max_entries": integer(default=10000, between=[1, 1000000]),
            "max_bytes": integer(),
            "max_retry_time": number(default=60),
            "initial_retry_delay": number(default=0.01, between=[0.001, 1000000]),
            "max_retry_delay": number(default=60, between=[0.001, 1000000]),
            "concurrency_limit": integer(default=1, one_of=[-1, 1]),
        },
        required=True,
        **facts,
    )


def before_queues(plugin: str) -> Fields:
    """The fields by which a logging plugin batched before it had a queue."""
    return {
        "retry_count": integer(deprecation=gone(f"{plugin}: config.retry_count", "config.queue.max_retry_time", 10)),
        "queue_size": integer(deprecation=replaced(f"{plugin}: config.queue_size", "config.queue.max_batch_size", 1)),
        "flush_timeout": number(
            deprecation=replaced(f"{plugin}: config.flush_timeout", "config.queue.max_coalescing_delay", 2)
        ),
    }


def redis_fields() -> Fields:
    return {
        "host": string(),
        "port": port(default=6379),
        "timeout": millis(2000),
        "username": string(referenceable=True),
        "password": secret(len_min=0),
        "database": integer(default=0),
        "ssl": boolean(default=False, required=False),
        "ssl_verify": boolean(default=False, required=False),
        "server_name": string(required=False),
    }


def redis_twins(plugin: str) -> Fields:
    """The flat `redis_…` fields that stand for members of `redis`, and are still answered beside it."""
    return {
        "redis_host": string(deprecation=_twin(plugin, "host")),
        "redis_port": integer(deprecation=_twin(plugin, "port")),
        "redis_password": string(len_min=0, deprecation=_twin(plugin, "password")),
        "redis_username": string(deprecation=_twin(plugin, "username")),
        "redis_ssl": boolean(deprecation=_twin(plugin, "ssl")),
        "redis_ssl_verify": boolean(deprecation=_twin(plugin, "ssl_verify")),
        "redis_server_name": string(deprecation=_twin(plugin, "server_name")),
        "redis_timeout": integer(deprecation=_twin(plugin, "timeout")),
        "redis_database": integer(deprecation=_twin(plugin, "database")),
    }


def _twin(plugin: str, member: str) -> Schema:
    return moved(f"{plugin}: config", f"redis_{member}", "redis", member)


def moved(where: str, old: str, *new: str) -> Schema:
    """`old` is a shorthand for the member at `new`, both below `where` ("plugin: config.path")."""
    below = where.split(": ")[1]
    return {
        "replaced_with": [{"path": list(new)}],
        **_ends(f"{where}.{old} is deprecated, please use {below}.{'.'.join(new)} instead"),
    }


def replaced(old: str, new: str, old_default: object) -> Schema:
    return {**_ends(f"{old} is deprecated, please use {new} instead"), "old_default": old_default}


def gone(old: str, new: str, old_default: object) -> Schema:
    return {**_ends(f"{old} no longer works, please use {new} instead"), "old_default": old_default}


def _ends(message: str) -> Schema:
    return {"message": message, "removal_in_version": "4.0"}


def redis_needed() -> list[Schema]:
    """With the policy `redis`, say where Redis is."""
    return [_redis_member_needed(member) for member in ("host", "port", "timeout")]


def _redis_member_needed(member: str) -> Schema:
    rule = {"if_field": "config.policy", "if_match": {"eq": "redis"}, "then_match": {"required": True}}
    return {"conditional": {**rule, "then_field": f"config.redis.{member}"}}


def propagation(default_format: str) -> Schema:
    """In which wire formats trace headers are read, dropped and written."""
    formats = ["datadog", "b3", "gcp", "jaeger", "aws", "ot", "w3c"]
    return record(
        {
            "extract": {"type": "array", "elements": choice(*formats)},
            "clear": {"type": "array", "elements": string()},
            "inject": {"type": "array", "elements": choice("preserve", *WIRE_FORMATS)},
            "default_format": choice(*WIRE_FORMATS, required=True),
        },
        required=True,
        default={"default_format": default_format},
    )


def severities() -> Schema:
    return choice("debug", "info", "notice", "warning", "err", "crit", "alert", "emerg", required=True, default="info")


def custom_fields() -> Fields:
    """Lua code that adds members to what is logged."""
    return {"custom_fields_by_lua": {"type": "map", "keys": text(), "values": text()}}


def flags(**defaults: bool) -> Fields:
    return {name: flag(default) for name, default in defaults.items()}


def host_pattern() -> Schema:
    """A host name with at most one `*`, at one of its ends."""
    return string(
        match_all=[{"err": "invalid wildcard: must have at most one wildcard", "pattern": "^[^*]*%*?[^*]*$"}],
        match_any={
            "patterns": ["^%*%.", "%.%*$", "^[^*]*$"],
            "err": "invalid wildcard: must be placed at leftmost or rightmost label",
        },
    )
