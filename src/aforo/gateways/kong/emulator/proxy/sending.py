"""What the backend gets of a call."""

from ..store import Row
from ..worker.values import raw
from .guards import Passage
from .router import Match
from .upstream import Sent


def sent(passage: Passage, service: Row, match: Match, call_id: str) -> Sent:
    """The call as it is passed on, with what plugins have overruled."""
    call, overruled = passage.call, passage.overruled
    rest = call.path[len(match.prefix) :] if match.route["strip_path"] else call.path
    path = overruled.get("path") or _joined(service["path"] or "", rest)
    query = overruled.get("raw_query", passage.query)
    place, port = str(overruled.get("host", service["host"])), int(overruled.get("port") or service["port"])
    host = call.headers.get("host", "") if match.route["preserve_host"] else f"{place}:{port}"
    kept = {name: value for name, value in call.headers.items() if name not in passage.hidden}
    forwarded = {
        "host": host,
        "via": "1.1 kong/3.9.3",
        "connection": "keep-alive",
        "x-forwarded-for": call.client,
        "x-forwarded-proto": "http",
        "x-forwarded-host": call.host,
        "x-forwarded-port": "8000",
        "x-forwarded-path": call.path,
        "x-forwarded-prefix": match.prefix,
        "x-real-ip": call.client,
        "x-kong-request-id": call_id,
    }
    headers = {**kept, **forwarded, **passage.to_upstream}
    body = raw(overruled["body"]) if "body" in overruled else call.body
    return Sent(overruled.get("method", call.method), place, port, f"{path}?{query}" if query else path, headers, body)


def _joined(base: str, rest: str) -> str:
    if not rest:
        return base or "/"
    return base.rstrip("/") + "/" + rest.lstrip("/")
