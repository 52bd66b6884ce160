"""Aforo's log forwarder: access-log lines of API Gateway's stages become metered calls.

CloudWatch Logs calls it through a subscription filter, asynchronously and at least once; a call counts once, since its
event bears API Gateway's extended request id, which no caller can choose. It raises when Aforo does not take a batch,
so that Lambda calls again and at last puts what it holds into the queue for undelivered events. Runs on python3.12 and
later with the standard library alone. Settings, as variables of the function: AFORO_EDGE_URL, AFORO_API_KEY,
AFORO_INTEGRATION_ID, AFORO_PRODUCTS (as for the authorizer), AFORO_TIMEOUT_MS (10000 unless set).
"""

import base64
import gzip
import http.client
import json
import logging
import os
import ssl
from typing import Any
from urllib.parse import quote, urlsplit

BATCH = 1000
BATCH_BYTES = 4 * 2**20
BACKEND_ANSWERED = ("INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "DEFAULT_5XX")
"""Gateway responses behind which the backend has seen the call."""
NOBODY = "unattributed"


class Undelivered(Exception):
    """Aforo has not taken everything: the same records are to be sent again."""


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """How many calls were metered, given back and unreadable. Raises Undelivered after having tried all batches."""
    records, unreadable = records_of(event)
    events = [one for record in records if (one := metered(record)) is not None]
    unused = [record["decisionId"] for record in records if gives_back(record)]
    told = {"events": len(events), "failed": 0, "givenBack": len(unused), "unreadable": unreadable}
    faults = []
    for batch in batches(events):
        try:
            told["failed"] += deliver(batch)
        except (OSError, http.client.HTTPException, Undelivered) as fault:
            faults.append(f"{len(batch)} events: {fault or type(fault).__name__}")
    for decision in unused:
        try:
            give_back(decision)
        except (OSError, http.client.HTTPException, Undelivered) as fault:
            faults.append(f"a reservation: {fault or type(fault).__name__}")
    if faults:
        raise Undelivered("; ".join(faults))
    logging.getLogger().info(json.dumps(told))
    return told


def records_of(event: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """The lines of a delivery, and how many are no lines of ours. A `-` says nothing."""
    told = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if told.get("messageType") != "DATA_MESSAGE":
        return [], 0
    found, unreadable = [], []
    for line in told.get("logEvents") or []:
        try:
            record = json.loads(line["message"])
            found.append({name: value for name, value in record.items() if value not in ("-", "", None)})
        except (ValueError, AttributeError):
            unreadable.append(line.get("id"))
    if unreadable:
        logging.getLogger().warning("%s lines are no JSON objects, not metered: %s", len(unreadable), unreadable[:3])
    return found, len(unreadable)


def metered(record: dict[str, Any]) -> dict[str, Any] | None:
    """The event of a call that the backend has seen; None for one that was refused, or of a stage that is not sold.

    A line without a request id or a readable time becomes an event that lacks it: Aforo keeps that one as a dead
    letter, where it can be seen, and takes the rest of the batch.
    """
    place = f"{record.get('apiId')}/{record.get('stage')}"
    product = json.loads(os.environ.get("AFORO_PRODUCTS") or "{}").get(place)
    if product is None or is_refused(record):
        return None
    event = {
        "idempotencyKey": f"aws:{place}:{record['extendedRequestId']}" if record.get("extendedRequestId") else None,
        "customerId": record.get("customerId", NOBODY),
        "metricName": product[1],
        "quantity": "1",
        "occurredAt": _number(record.get("requestTimeEpoch")),
        "productType": "API",
        "productId": product[0],
        "integrationId": os.environ["AFORO_INTEGRATION_ID"],
        "credential": credential(record),
        "httpMethod": record.get("httpMethod"),
        "endpointPath": str(record.get("path", "")).rpartition(" ")[2] or None,
        "statusCode": _number(record.get("status")),
        "responseTimeMs": _number(record.get("responseLatency")),
        "decisionId": record.get("decisionId"),
        "leaseId": record.get("leaseId"),
    }
    return {name: value for name, value in event.items() if value is not None}


def credential(record: dict[str, Any]) -> dict[str, Any] | None:
    """By which the authorizer knew the caller; else the API key that API Gateway itself has verified.

    A key that the authorizer only saw, without Aforo's word on it, stands behind a verified one: who shows a made-up
    bearer beside its real key while Aforo is away would else call for nothing.
    """
    known = ("credential", "key_sha256")
    verified = ("apiKeyId", "api_key")
    for member, kind in (known, verified) if "customerId" in record else (verified, known):
        if member in record:
            named = {"type": kind, "nativeId": record[member]}
            return {"integrationId": os.environ["AFORO_INTEGRATION_ID"], **named}
    return None


def is_refused(record: dict[str, Any]) -> bool:
    """Whether API Gateway answered by itself, before the backend."""
    return "refused" in record and record["refused"] not in BACKEND_ANSWERED


def gives_back(record: dict[str, Any]) -> bool:
    """Whether units were reserved for a call that API Gateway then refused, say for want of an API key."""
    return is_refused(record) and "decisionId" in record and "reason" not in record


def batches(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """At most 1,000 and 4 MiB each."""
    found: list[list[dict[str, Any]]] = []
    size = BATCH_BYTES
    for event in events:
        own = len(json.dumps(event))
        if size + own > BATCH_BYTES or len(found[-1]) == BATCH:
            found.append([])
            size = 0
        found[-1].append(event)
        size += own
    return found


def deliver(batch: list[dict[str, Any]]) -> int:
    """How many of them went to Aforo's dead letters, where they can be replayed. Raises Undelivered, OSError."""
    status, text = post("/v1/ingest/batch", gzip.compress(json.dumps({"events": batch}).encode()), "gzip")
    if status != 202:
        raise Undelivered(f"Aforo answered {status}: {text[:300].decode(errors='replace')}")
    told = json.loads(text)
    if told.get("failed"):
        logging.getLogger().warning("%s calls went to the dead letters: %s", told["failed"], told.get("errors", [])[:3])
    return int(told.get("failed") or 0)


def give_back(decision: str) -> None:
    """The reserved units of a call that never was. A decision that is settled or too old needs nothing."""
    status, text = post(f"/v1/decisions/{quote(decision, safe='')}/settle", b'{"used": 0}', "identity")
    if status == 429 or status >= 500:
        raise Undelivered(f"Aforo answered {status}: {text[:300].decode(errors='replace')}")


def post(path: str, body: bytes, encoding: str) -> tuple[int, bytes]:
    there = urlsplit(os.environ["AFORO_EDGE_URL"])
    seconds = int(os.environ.get("AFORO_TIMEOUT_MS") or "10000") / 1000
    connection: http.client.HTTPConnection
    if there.scheme == "http":
        connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=seconds)
    else:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(there.hostname or "", there.port, timeout=seconds, context=context)
    headers = {
        "Authorization": f"Bearer {os.environ['AFORO_API_KEY']}",
        "Content-Type": "application/json",
        "Content-Encoding": encoding,
    }
    try:
        connection.request("POST", path, body, headers)
        answered = connection.getresponse()
        return answered.status, answered.read()
    finally:
        connection.close()


def _number(value: object) -> int | None:
    text = str(value or "")
    return int(text) if text.isdigit() else None
