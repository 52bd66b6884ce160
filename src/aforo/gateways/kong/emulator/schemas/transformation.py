"""Plugins that change requests and responses."""

from .parts import ANY_LOOSE, ANY_PROTOCOL, plugin
from .vocabulary import array, boolean, choice, record, string

PLUGINS = {
    "grpc-gateway": plugin({"proto": string(required=False)}, protocols=ANY_LOOSE),
    "grpc-web": plugin(
        {
            "proto": string(required=False),
            "pass_stripped_path": boolean(required=False),
            "allow_origin_header": string(required=False, default="*"),
        },
        protocols=ANY_PROTOCOL,
    ),
    "request-transformer": plugin(
        {
            "http_method": string(match="^%u+$"),
            "remove": record(
                {
                    "body": array(string(), required=True, default=[]),
                    "headers": array(string(), required=True, default=[]),
                    "querystring": array(string(), required=True, default=[]),
                },
                required=True,
            ),
            "rename": record(
                {
                    "body": array(string(), required=True, default=[]),
                    "headers": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                    "querystring": array(string(), required=True, default=[]),
                },
                required=True,
            ),
            "replace": record(
                {
                    "body": array(string(), required=True, default=[]),
                    "headers": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                    "querystring": array(string(), required=True, default=[]),
                    "uri": string(),
                },
                required=True,
            ),
            "add": record(
                {
                    "body": array(string(), required=True, default=[]),
                    "headers": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                    "querystring": array(string(), required=True, default=[]),
                },
                required=True,
            ),
            "append": record(
                {
                    "body": array(string(), required=True, default=[]),
                    "headers": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                    "querystring": array(string(), required=True, default=[]),
                },
                required=True,
            ),
        },
        protocols=ANY_LOOSE,
    ),
    "response-transformer": plugin(
        {
            "remove": record(
                {
                    "json": array(string(), required=True, default=[]),
                    "headers": array(string(), required=True, default=[]),
                },
                required=True,
            ),
            "rename": record(
                {
                    "json": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                    "headers": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                },
                required=True,
            ),
            "replace": record(
                {
                    "json": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                    "json_types": array(choice("boolean", "number", "string"), required=True, default=[]),
                    "headers": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                },
                required=True,
            ),
            "add": record(
                {
                    "json": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                    "json_types": array(choice("boolean", "number", "string"), required=True, default=[]),
                    "headers": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                },
                required=True,
            ),
            "append": record(
                {
                    "json": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                    "json_types": array(choice("boolean", "number", "string"), required=True, default=[]),
                    "headers": array(string(match="^[^:]+:.*$"), required=True, default=[]),
                },
                required=True,
            ),
        }
    ),
}
