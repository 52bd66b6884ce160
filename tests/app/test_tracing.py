"""Traces as a collector receives them: from a caller's trace to the call of a gateway."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.live import emulated

_PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from aforo.app import tracing
from tests.live import aforo

async def main(folder, settings, trace):
    async with aforo(Path(folder)) as running:
        body = {"name": "gw", "gateway": "kong", "signIn": "none", "settings": settings}
        made = (await running.http.post("/api/v1/integrations", json=body)).json()
        await running.http.post(f"/api/v1/integrations/{made['id']}/test", headers={"traceparent": trace})

tracing.begin("api")
asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]))
from opentelemetry import trace
trace.get_tracer_provider().shutdown()
"""


def test_a_requests_span_goes_on_with_the_callers_trace_and_its_gateway_calls_are_below_it(tmp_path: Path) -> None:
    received: list[Any] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    trace_id, parent_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    try:
        with emulated("kong", 2) as kong:
            endpoint = f"http://127.0.0.1:{server.server_port}"
            told = [str(tmp_path), json.dumps(kong.settings), f"00-{trace_id}-{parent_id}-01"]
            subprocess.run(
                [sys.executable, "-c", _PROGRAM, *told], check=True, timeout=60, cwd=Path(__file__).parents[2],
                env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            )  # fmt: skip
    finally:
        server.shutdown()
    spans = [
        span
        for one in received
        for resource in one.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    mine = [span for span in spans if span.trace_id.hex() == trace_id]
    request = next(span for span in mine if span.name == "POST /api/v1/integrations/{integration_id}/test")
    assert request.parent_span_id.hex() == parent_id
    calls = [span for span in mine if span.name.startswith("Kong")]
    assert calls
    below = {span.span_id: span.parent_span_id for span in mine}
    assert {below[span.parent_span_id] for span in calls} == {request.span_id}, "FastAPI's span of the endpoint between"
    assert "sk_live_" not in str(received)
