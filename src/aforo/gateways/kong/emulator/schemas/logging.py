"""Plugins that send what happened elsewhere."""

from .parts import ANY_LOOSE, ANY_PROTOCOL, HTTP_LOOSE, before_queues, custom_fields, plugin, queue, severities
from .vocabulary import boolean, choice, flag, map_of, number, port, secret, set_of, string

PLUGINS = {
    "correlation-id": plugin(
        {
            "header_name": string(default="Kong-Request-ID"),
            "generator": choice("uuid", "uuid#counter", "tracker", required=True, default="uuid#counter"),
            "echo_downstream": flag(False),
        },
        protocols=HTTP_LOOSE,
    ),
    "file-log": plugin(
        {
            "path": string(required=True, err="not a valid filename", match=r"^[^*&%%\`]+$"),
            "reopen": flag(False),
            **custom_fields(),
        },
        protocols=ANY_LOOSE,
    ),
    "http-log": plugin(
        {
            "http_endpoint": secret(required=True),
            "method": choice("POST", "PUT", "PATCH", default="POST"),
            "content_type": choice("application/json", "application/json; charset=utf-8", default="application/json"),
            "timeout": number(default=10000),
            "keepalive": number(default=60000),
            **before_queues("http-log"),
            "headers": map_of(
                string(
                    match_none=[
                        {"err": "cannot contain 'Host' header", "pattern": "^[Hh][Oo][Ss][Tt]$"},
                        {
                            "err": "cannot contain 'Content-Length' header",
                            "pattern": "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt]%-[Ll][Ee][nn][Gg][Tt][Hh]$",
                        },
                        {
                            "err": "cannot contain 'Content-Type' header",
                            "pattern": "^[Cc][Oo][Nn][Tt][Ee][Nn][Tt]%-[Tt][Yy][Pp][Ee]$",
                        },
                    ]
                ),
                string(referenceable=True),
            ),
            "queue": queue(),
            **custom_fields(),
        },
        protocols=ANY_LOOSE,
    ),
    "loggly": plugin(
        {
            "host": string(default="logs-01.loggly.com"),
            "port": port(default=514),
            "key": secret(required=True),
            "tags": set_of(string(), default=["kong"]),
            "log_level": choice("debug", "info", "notice", "warning", "err", "crit", "alert", "emerg", default="info"),
            "successful_severity": choice(
                "debug", "info", "notice", "warning", "err", "crit", "alert", "emerg", default="info"
            ),
            "client_errors_severity": choice(
                "debug", "info", "notice", "warning", "err", "crit", "alert", "emerg", default="info"
            ),
            "server_errors_severity": choice(
                "debug", "info", "notice", "warning", "err", "crit", "alert", "emerg", default="info"
            ),
            "timeout": number(default=10000),
            **custom_fields(),
        },
        protocols=ANY_PROTOCOL,
    ),
    "prometheus": plugin(
        {
            "per_consumer": boolean(default=False),
            "status_code_metrics": boolean(default=False),
            "ai_metrics": boolean(default=False),
            "latency_metrics": boolean(default=False),
            "bandwidth_metrics": boolean(default=False),
            "upstream_health_metrics": boolean(default=False),
        },
        protocols=ANY_PROTOCOL,
    ),
    "syslog": plugin(
        {
            "log_level": severities(),
            "successful_severity": severities(),
            "client_errors_severity": severities(),
            "server_errors_severity": severities(),
            **custom_fields(),
            "facility": choice(
                "auth",
                "authpriv",
                "cron",
                "daemon",
                "ftp",
                "kern",
                "lpr",
                "mail",
                "news",
                "syslog",
                "user",
                "uucp",
                "local0",
                "local1",
                "local2",
                "local3",
                "local4",
                "local5",
                "local6",
                "local7",
                required=True,
                default="user",
            ),
        },
        protocols=ANY_LOOSE,
    ),
    "tcp-log": plugin(
        {
            "host": string(required=True),
            "port": port(required=True),
            "timeout": number(default=10000),
            "keepalive": number(default=60000),
            "tls": flag(False),
            "tls_sni": string(),
            **custom_fields(),
        },
        protocols=ANY_LOOSE,
    ),
    "udp-log": plugin(
        {
            "host": string(required=True),
            "port": port(required=True),
            "timeout": number(default=10000),
            **custom_fields(),
        },
        protocols=ANY_LOOSE,
    ),
}
