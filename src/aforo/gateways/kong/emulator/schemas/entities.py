"""Kong's own entities, apart from plugins' configuration."""

from .parts import NO_EMPTY_SEGMENTS, flags, host_pattern
from .upstreams import UPSTREAMS
from .vocabulary import (
    ANY,
    HTTP,
    array,
    at_least_one_of,
    boolean,
    entity,
    flag,
    foreign,
    identifier,
    in_code,
    integer,
    map_of,
    moment,
    number,
    port,
    record,
    set_of,
    string,
    text,
    when,
)

TIMEOUT_MS = {"default": 60000, "between": [1, 2147483646]}
TLS_ONLY = ("client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates")
PEER = record({"ip": string(), "port": port()}, checks=[at_least_one_of("ip", "port")])

ENTITIES = {
    "acls": entity(
        {
            "id": identifier(),
            "created_at": moment(),
            "consumer": foreign("consumers", required=True, on_delete="cascade"),
            "group": text(required=True),
            "tags": set_of(text(required=True)),
        }
    ),
    "consumers": entity(
        {
            "id": identifier(),
            "created_at": moment(),
            "updated_at": moment(),
            "username": text(unique=True),
            "custom_id": string(unique=True),
            "tags": set_of(string(required=True)),
        },
        at_least_one_of("custom_id", "username"),
    ),
    "keyauth_credentials": entity(
        {
            "id": identifier(),
            "created_at": moment(),
            "consumer": foreign("consumers", required=True, on_delete="cascade"),
            "key": text(required=False, unique=True, auto=True),
            "tags": set_of(text(required=True)),
        }
    ),
    "plugins": entity(
        {
            "id": identifier(),
            "name": text(required=True),
            "instance_name": string(unique=True),
            "created_at": moment(),
            "updated_at": moment(),
            "route": foreign("routes", default=None, on_delete="cascade"),
            "service": foreign("services", default=None, on_delete="cascade"),
            "consumer": foreign("consumers", default=None, on_delete="cascade"),
            "config": {"type": "record", "abstract": True},
            "protocols": set_of(string(one_of=ANY), required=True, default=HTTP),
            "enabled": flag(True),
            "tags": set_of(text(required=True)),
        }
    ),
    "routes": entity(
        {
            "id": identifier(),
            "created_at": moment(),
            "updated_at": moment(),
            "name": text(unique=True),
            "protocols": set_of(
                text(required=True, one_of=ANY),
                required=True,
                default=["http", "https"],
                len_min=1,
                mutually_exclusive_subsets=[
                    ["http", "https"],
                    ["tcp", "tls", "udp"],
                    ["tls_passthrough"],
                    ["grpc", "grpcs"],
                ],
            ),
            "https_redirect_status_code": integer(required=True, default=426, one_of=[426, 301, 302, 307, 308]),
            **flags(strip_path=True, preserve_host=False, request_buffering=True, response_buffering=True),
            "tags": set_of(text(required=True)),
            "service": foreign("services"),
            "snis": set_of(string()),
            "sources": set_of(PEER),
            "destinations": set_of(PEER),
            "methods": set_of(string(match="^%u+$")),
            "hosts": array(host_pattern()),
            "paths": array(
                text(
                    required=True,
                    match_any={
                        "patterns": ["^/", "^~/"],
                        "err": "should start with: / (fixed path) or ~/ (regex path)",
                    },
                    match_none=NO_EMPTY_SEGMENTS,
                )
            ),
            "headers": map_of(
                string(
                    match_none=[
                        {
                            "err": "cannot contain 'host' header, which must be specified in the 'hosts' attribute",
                            "pattern": "^[Hh][Oo][Ss][Tt]$",
                        }
                    ]
                ),
                array(string()),
            ),
            "regex_priority": integer(default=0),
            "path_handling": text(default="v0", one_of=["v0", "v1"]),
        },
        when(
            "protocols",
            {"elements": text(required=True, not_one_of=["grpcs", "https", "tls", "tls_passthrough"])},
            "snis",
            {"len_eq": 0},
            "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'",
        ),
        in_code("path_handling"),
        in_code(
            "id",
            "protocols",
            "snis",
            "sources",
            "destinations",
            "methods",
            "hosts",
            "paths",
            "headers",
            "expression",
            "regex_priority",
            "priority",
            run_with_missing_fields=True,
        ),
    ),
    "services": entity(
        {
            "id": identifier(),
            "created_at": moment(),
            "updated_at": moment(),
            "name": text(unique=True),
            "retries": integer(default=5, between=[0, 32767]),
            "protocol": text(required=True, default="http", one_of=ANY),
            "host": text(required=True),
            "port": port(required=True, default=80),
            "path": string(match_none=NO_EMPTY_SEGMENTS, starts_with="/"),
            "connect_timeout": integer(**TIMEOUT_MS),
            "write_timeout": integer(**TIMEOUT_MS),
            "read_timeout": integer(**TIMEOUT_MS),
            "tags": set_of(string(required=True)),
            "client_certificate": foreign("certificates"),
            "tls_verify": boolean(),
            "tls_verify_depth": integer(default=None, between=[0, 64]),
            "ca_certificates": array(string(uuid=True)),
            "enabled": flag(True),
        },
        when("protocol", {"one_of": ["tcp", "tls", "udp", "grpc", "grpcs"]}, "path", {"eq": None}),
        *(when("protocol", {"not_one_of": ["https", "tls"]}, field, {"eq": None}) for field in TLS_ONLY),
    ),
    "targets": entity(
        {
            "id": string(auto=True, uuid=True),
            "created_at": number(auto=True, timestamp=True),
            "updated_at": number(auto=True, timestamp=True),
            "upstream": foreign("upstreams", required=True, on_delete="cascade"),
            "target": string(required=True),
            "weight": port(default=100),
            "tags": set_of(string(required=True)),
        }
    ),
    "upstreams": UPSTREAMS,
}
