"""Signature Version 4 on the receiving side: who signed, when, and whether the signature fits the secret. Pure.

Source: AWS's documentation of Signature Version 4; the path of every service but S3 is encoded a second time.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from aforo.gateways.aws.emulator.wire import Call

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]+)"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """What the Authorization header says."""

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: datetime


def signed(call: Call) -> Signed | None:
    """The signature of a call; None where there is none that can be read."""
    found = _HEADER.match(call.headers.get("authorization", ""))
    try:
        moment = datetime.strptime(call.headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    if found is None:
        return None
    return Signed(
        found["key"], found["day"], found["region"], found["service"],
        tuple(found["headers"].split(";")), found["signature"], moment,
    )  # fmt: skip


def fits(call: Call, by: Signed, signing_secret: str) -> bool:
    """Whether this secret made the signature of this call."""
    scope = f"{by.day}/{by.region}/{by.service}/aws4_request"
    request = hashlib.sha256(_canonical(call, by).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{call.headers['x-amz-date']}\n{scope}\n{request}"
    key = ("AWS4" + signing_secret).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), by.signature)


def _canonical(call: Call, by: Signed) -> str:
    headers = "".join(f"{name}:{' '.join(call.headers.get(name, '').split())}\n" for name in by.signed_headers)
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in call.arguments)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    body = call.headers.get("x-amz-content-sha256") or hashlib.sha256(call.body).hexdigest()
    return "\n".join((call.method, quote(call.path, safe="/-_.~"), query, headers, ";".join(by.signed_headers), body))
