"""Plugins that send measurements and traces."""

from .parts import ANY_LOOSE, ANY_PROTOCOL, before_queues, plugin, propagation, queue, replaced
from .vocabulary import (
    array,
    at_least_one_of,
    boolean,
    choice,
    flag,
    integer,
    map_of,
    millis,
    number,
    port,
    record,
    string,
    when,
)

TRACES = "config.traces_endpoint"

PLUGINS = {
    "datadog": plugin(
        {
            "host": string(default="localhost", referenceable=True),
            "port": port(default=8125),
            "prefix": string(default="kong"),
            "service_name_tag": string(default="name"),
            "status_tag": string(default="status"),
            "consumer_tag": string(default="consumer"),
            **before_queues("datadog"),
            "queue": queue(),
            "metrics": array(
                record(
                    {
                        "name": choice(
                            "kong_latency",
                            "latency",
                            "request_count",
                            "request_size",
                            "response_size",
                            "upstream_latency",
                            required=True,
                        ),
                        "stat_type": choice(
                            "counter", "gauge", "histogram", "meter", "set", "timer", "distribution", required=True
                        ),
                        "tags": array(string(match="^.*[^:]$")),
                        "sample_rate": number(between=[0, 1]),
                        "consumer_identifier": choice("consumer_id", "custom_id", "username"),
                    },
                    checks=[when("stat_type", {"one_of": ["counter", "gauge"]}, "sample_rate", {"required": True})],
                ),
                required=True,
                default=[
                    {
                        "tags": ["app:kong"],
                        "sample_rate": 1,
                        "consumer_identifier": "custom_id",
                        "stat_type": "counter",
                        "name": "request_count",
                    },
                    {"name": "latency", "consumer_identifier": "custom_id", "stat_type": "timer", "tags": ["app:kong"]},
                    {
                        "name": "request_size",
                        "consumer_identifier": "custom_id",
                        "stat_type": "timer",
                        "tags": ["app:kong"],
                    },
                    {
                        "name": "response_size",
                        "consumer_identifier": "custom_id",
                        "stat_type": "timer",
                        "tags": ["app:kong"],
                    },
                    {
                        "name": "upstream_latency",
                        "consumer_identifier": "custom_id",
                        "stat_type": "timer",
                        "tags": ["app:kong"],
                    },
                    {
                        "name": "kong_latency",
                        "consumer_identifier": "custom_id",
                        "stat_type": "timer",
                        "tags": ["app:kong"],
                    },
                ],
            ),
        },
        protocols=ANY_LOOSE,
    ),
    "opentelemetry": plugin(
        {
            "traces_endpoint": string(referenceable=True),
            "logs_endpoint": string(referenceable=True),
            "headers": map_of(string(), string(referenceable=True)),
            "resource_attributes": map_of(string(required=True), string(required=True)),
            "queue": queue(default={"max_batch_size": 200}),
            "batch_span_count": integer(
                deprecation=replaced("opentelemetry: config.batch_span_count", "config.queue.max_batch_size", 200)
            ),
            "batch_flush_delay": integer(
                deprecation=replaced("opentelemetry: config.batch_flush_delay", "config.queue.max_coalescing_delay", 3)
            ),
            "connect_timeout": millis(1000),
            "send_timeout": millis(5000),
            "read_timeout": millis(5000),
            "http_response_header_for_traceid": string(),
            "header_type": choice(
                "preserve",
                "ignore",
                "b3",
                "b3-single",
                "w3c",
                "jaeger",
                "ot",
                "aws",
                "gcp",
                "datadog",
                required=False,
                default="preserve",
                deprecation=replaced("opentelemetry: config.header_type", "config.propagation options", "preserve"),
            ),
            "sampling_rate": number(required=False, between=[0, 1]),
            "propagation": propagation("w3c"),
        },
        shorthands={
            "endpoint": string(
                deprecation={
                    "message": f"OpenTelemetry: config.endpoint is deprecated, please use {TRACES} instead",
                    "removal_in_version": "4.0",
                },
                referenceable=True,
            )
        },
        config_checks=[at_least_one_of("traces_endpoint", "logs_endpoint")],
    ),
    "statsd": plugin(
        {
            "host": string(default="localhost"),
            "port": port(default=8125),
            "prefix": string(default="kong"),
            "metrics": array(
                record(
                    {
                        "name": choice(
                            "kong_latency",
                            "latency",
                            "request_count",
                            "request_per_user",
                            "request_size",
                            "response_size",
                            "status_count",
                            "status_count_per_user",
                            "unique_users",
                            "upstream_latency",
                            "status_count_per_workspace",
                            "status_count_per_user_per_route",
                            "shdict_usage",
                            required=True,
                        ),
                        "stat_type": choice("counter", "gauge", "histogram", "meter", "set", "timer", required=True),
                        "sample_rate": number(gt=0),
                        "consumer_identifier": choice("consumer_id", "custom_id", "username"),
                        "service_identifier": choice(
                            "service_id", "service_name", "service_host", "service_name_or_host"
                        ),
                        "workspace_identifier": choice("workspace_id", "workspace_name"),
                    },
                    checks=[when("stat_type", {"one_of": ["counter", "gauge"]}, "sample_rate", {"required": True})],
                ),
                default=[
                    {"sample_rate": 1, "stat_type": "counter", "name": "request_count"},
                    {"stat_type": "timer", "name": "latency"},
                    {"sample_rate": 1, "stat_type": "counter", "name": "request_size"},
                    {"name": "status_count", "stat_type": "counter", "sample_rate": 1},
                    {"sample_rate": 1, "stat_type": "counter", "name": "response_size"},
                    {"stat_type": "set", "name": "unique_users"},
                    {"name": "request_per_user", "stat_type": "counter", "sample_rate": 1},
                    {"stat_type": "timer", "name": "upstream_latency"},
                    {"stat_type": "timer", "name": "kong_latency"},
                    {"name": "status_count_per_user", "stat_type": "counter", "sample_rate": 1},
                    {"name": "status_count_per_workspace", "stat_type": "counter", "sample_rate": 1},
                    {"name": "status_count_per_user_per_route", "stat_type": "counter", "sample_rate": 1},
                    {"name": "shdict_usage", "stat_type": "gauge", "sample_rate": 1},
                ],
            ),
            "allow_status_codes": array(string(match="^[0-9]+-[0-9]+$")),
            "udp_packet_size": number(default=0, between=[0, 65507]),
            "use_tcp": boolean(default=False),
            "hostname_in_prefix": boolean(default=False),
            "consumer_identifier_default": choice(
                "consumer_id", "custom_id", "username", required=True, default="custom_id"
            ),
            "service_identifier_default": choice(
                "service_id",
                "service_name",
                "service_host",
                "service_name_or_host",
                required=True,
                default="service_name_or_host",
            ),
            "workspace_identifier_default": choice(
                "workspace_id", "workspace_name", required=True, default="workspace_id"
            ),
            **before_queues("statsd"),
            "tag_style": choice("dogstatsd", "influxdb", "librato", "signalfx", required=False),
            "queue": queue(),
        },
        protocols=ANY_LOOSE,
    ),
    "zipkin": plugin(
        {
            "local_service_name": string(required=True, default="kong"),
            "http_endpoint": string(),
            "sample_ratio": number(default=0.001, between=[0, 1]),
            "default_service_name": string(),
            "include_credential": flag(True),
            "traceid_byte_count": integer(required=True, default=16, one_of=[8, 16]),
            "header_type": choice(
                "preserve",
                "ignore",
                "b3",
                "b3-single",
                "w3c",
                "jaeger",
                "ot",
                "aws",
                "datadog",
                "gcp",
                required=True,
                default="preserve",
                deprecation=replaced("zipkin: config.header_type", "config.propagation options", "preserve"),
            ),
            "default_header_type": choice(
                "b3",
                "b3-single",
                "w3c",
                "jaeger",
                "ot",
                "aws",
                "datadog",
                "gcp",
                required=True,
                default="b3",
                deprecation=replaced("zipkin: config.default_header_type", "config.propagation.default_format", "b3"),
            ),
            "tags_header": string(required=True, default="Zipkin-Tags"),
            "static_tags": array(
                record(
                    {
                        "name": string(
                            required=True,
                            not_one_of=[
                                "error",
                                "http.method",
                                "http.path",
                                "http.status_code",
                                "kong.balancer.state",
                                "kong.balancer.try",
                                "kong.consumer",
                                "kong.credential",
                                "kong.node.id",
                                "kong.route",
                                "kong.service",
                                "lc",
                                "peer.hostname",
                            ],
                        ),
                        "value": string(required=True),
                    }
                )
            ),
            "http_span_name": choice("method", "method_path", required=True, default="method"),
            "connect_timeout": millis(2000),
            "send_timeout": millis(5000),
            "read_timeout": millis(5000),
            "http_response_header_for_traceid": string(),
            "phase_duration_flavor": choice("annotations", "tags", required=True, default="annotations"),
            "queue": queue(),
            "propagation": propagation("b3"),
        },
        protocols=ANY_PROTOCOL,
    ),
}
