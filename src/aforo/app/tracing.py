"""Traces over OTLP/HTTP, where `OTEL_EXPORTER_OTLP_ENDPOINT` says to whom: from a request to its calls of gateways.

The other variables of OpenTelemetry's own hold as well. FastAPI makes the spans of requests and goes on with a caller's
`traceparent`; the transport to gateways makes those of calls. Without an endpoint nobody collects them, and they cost
next to nothing.
"""

import os

import aforo


def begin(process: str) -> None:
    """From now on, until the process ends; what is left is sent then."""
    if not (os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", f"aforo-{process}")
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": aforo.__version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
