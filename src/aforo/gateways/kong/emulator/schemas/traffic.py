"""Plugins that limit, refuse, cache or redirect calls."""

from .parts import (
    ANY_PROTOCOL,
    HTTP_AND_TCP,
    HTTP_LOOSE,
    NO_EMPTY_SEGMENTS,
    flags,
    plugin,
    redis_fields,
    redis_needed,
    redis_twins,
)
from .vocabulary import (
    array,
    at_least_one_of,
    boolean,
    choice,
    flag,
    in_code,
    integer,
    map_of,
    number,
    record,
    secret,
    string,
    when,
)

PLUGINS = {
    "bot-detection": plugin(
        {"allow": array(string(is_regex=True), default=[]), "deny": array(string(is_regex=True), default=[])},
        protocols=HTTP_LOOSE,
        never_on=("consumer",),
    ),
    "cors": plugin(
        {
            "origins": array(string()),
            "headers": array(string()),
            "exposed_headers": array(string()),
            "methods": array(
                choice("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"),
                default=["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"],
            ),
            "max_age": number(),
            **flags(credentials=False, private_network=False, preflight_continue=False),
        },
        never_on=("consumer",),
    ),
    "ip-restriction": plugin(
        {
            "allow": array(string()),
            "deny": array(string()),
            "status": number(required=False),
            "message": string(required=False),
        },
        at_least_one_of("config.allow", "config.deny"),
        protocols=HTTP_AND_TCP,
    ),
    "proxy-cache": plugin(
        {
            "response_code": array(integer(between=[100, 900]), required=True, default=[200, 301, 404], len_min=1),
            "request_method": array(
                choice("HEAD", "GET", "POST", "PATCH", "PUT"), required=True, default=["GET", "HEAD"]
            ),
            "content_type": array(string(), required=True, default=["text/plain", "application/json"]),
            "cache_ttl": integer(default=300, gt=0),
            "strategy": choice("memory", required=True),
            "cache_control": flag(False),
            "ignore_uri_case": boolean(required=False, default=False),
            "storage_ttl": integer(),
            "memory": record({"dictionary_name": string(required=True, default="kong_db_cache")}, required=True),
            "vary_query_params": array(string()),
            "vary_headers": array(string()),
            "response_headers": record(
                {
                    "age": boolean(default=True),
                    "X-Cache-Status": boolean(default=True),
                    "X-Cache-Key": boolean(default=True),
                },
                required=True,
            ),
        },
        in_code("config"),
        protocols=ANY_PROTOCOL,
    ),
    "rate-limiting": plugin(
        {
            "second": number(gt=0),
            "minute": number(gt=0),
            "hour": number(gt=0),
            "day": number(gt=0),
            "month": number(gt=0),
            "year": number(gt=0),
            "limit_by": choice("consumer", "credential", "ip", "service", "header", "path", default="consumer"),
            "header_name": string(),
            "path": string(match_none=NO_EMPTY_SEGMENTS, starts_with="/"),
            "policy": choice("local", "cluster", "redis", default="local", len_min=0),
            "fault_tolerant": flag(True),
            "redis": record(redis_fields(), required=True),
            "hide_client_headers": flag(False),
            "error_code": number(default=429, gt=0),
            "error_message": string(default="API rate limit exceeded"),
            "sync_rate": number(required=True, default=-1),
        },
        at_least_one_of("config.second", "config.minute", "config.hour", "config.day", "config.month", "config.year"),
        *redis_needed(),
        when("config.limit_by", {"eq": "header", "len_min": 1}, "config.header_name", {"required": True}),
        when("config.limit_by", {"eq": "path", "len_min": 1}, "config.path", {"required": True}),
        shorthands=redis_twins("rate-limiting"),
    ),
    "redirect": plugin(
        {
            "status_code": integer(required=True, default=301, between=[100, 599]),
            "location": string(required=True),
            "keep_incoming_path": boolean(default=False),
        },
        protocols=HTTP_LOOSE,
    ),
    "request-size-limiting": plugin(
        {
            "allowed_payload_size": integer(default=128),
            "size_unit": choice("megabytes", "kilobytes", "bytes", required=True, default="megabytes"),
            "require_content_length": flag(False),
        }
    ),
    "request-termination": plugin(
        {
            "status_code": integer(required=True, default=503, between=[100, 599]),
            "message": string(),
            "content_type": string(),
            "body": string(),
            "echo": flag(False),
            "trigger": string(),
        }
    ),
    "response-ratelimiting": plugin(
        {
            "header_name": string(default="x-kong-limit"),
            "limit_by": choice("consumer", "credential", "ip", default="consumer"),
            "policy": choice("local", "cluster", "redis", default="local"),
            "fault_tolerant": flag(True),
            "redis": record(redis_fields(), required=True),
            "block_on_first_violation": flag(False),
            "hide_client_headers": flag(False),
            "limits": map_of(
                string(),
                record(
                    {
                        "second": number(gt=0),
                        "minute": number(gt=0),
                        "hour": number(gt=0),
                        "day": number(gt=0),
                        "month": number(gt=0),
                        "year": number(gt=0),
                    },
                    checks=[at_least_one_of("second", "minute", "hour", "day", "month", "year")],
                    required=True,
                ),
                required=True,
                len_min=1,
            ),
        },
        *redis_needed(),
        protocols=HTTP_LOOSE,
        shorthands=redis_twins("response-ratelimiting"),
    ),
    "standard-webhooks": plugin(
        {"secret_v1": secret(required=True), "tolerance_second": integer(required=True, default=300, gt=-1)},
        protocols=HTTP_LOOSE,
        never_on=("consumer",),
    ),
}
