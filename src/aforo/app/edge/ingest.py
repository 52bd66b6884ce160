"""The route that takes usage in."""

from typing import Final

import msgspec

from aforo.accounts import Scope
from aforo.app.edge.answers import Answer
from aforo.app.edge.door import EdgeDoor
from aforo.app.edge.head import Body, Head
from aforo.app.edge.metrics import EdgeMetrics
from aforo.usage import Ingests

INGEST_PATHS: Final = frozenset({"/v1/ingest", "/v1/ingest/batch", "/v1/ingest/events"})
_JSON: Final = [(b"content-type", b"application/json")]
_encode: Final = msgspec.json.Encoder().encode


class IngestRoute:
    """Bytes in, 202 once they are durable."""

    def __init__(self, door: EdgeDoor, ingests: Ingests, metrics: EdgeMetrics) -> None:
        self._door = door
        self._ingests = ingests
        self._metrics = metrics

    async def post(self, head: Head, body: Body) -> Answer:
        caller = self._door.caller(head, Scope.USAGE_INGEST)
        headers = head.headers
        outcome = await self._ingests.of(caller).ingest(
            await body(),
            caller,
            content_type=headers.get("content-type", ""),
            encoding=headers.get("content-encoding", ""),
        )
        self._metrics.ingested(outcome)
        return Answer(202, _JSON, _encode(outcome))
