"""Slack's incoming webhooks, and webhooks signed after Standard Webhooks."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import httpx2

from aforo.alerts.model import Address, Delivery, Outcome
from aforo.alerts.rules import message
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.transport import new_http, retry_after_seconds

_SECONDS: Final = 20.0
_READ_BYTES: Final = 2_048
_GONE: Final = 410
_AGENT: Final = {"user-agent": "aforo-alerts/1"}


async def to_slack(url: str, delivery: Delivery, now: datetime, *, allow_private: bool) -> Outcome:
    """Slack answers 200 `ok`. The text is sent as plain text, so that a name cannot become a link or call somebody:
    `&`, `<` and `>` are escaped (https://docs.slack.dev/messaging/formatting-message-text).
    """
    head, body = _escaped(message.subject(delivery.payload)), _escaped(message.text(delivery.payload))
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*{head}*\n{body}"[:2_900], "verbatim": True}}]
    return await _post(url, json.dumps({"text": head, "blocks": blocks}), {}, now, allow_private=allow_private)


async def to_webhook(address: Address, delivery: Delivery, now: datetime, *, allow_private: bool) -> Outcome:
    """`webhook-id` is the delivery's id in every try; the timestamp, and with it the signature, is the try's."""
    from standardwebhooks import Webhook

    if address.secret is None:
        return Outcome(ok=False, answer="This channel has no secret to sign with. Give it one.")
    body = json.dumps(delivery.payload, separators=(",", ":"), ensure_ascii=False)
    headers = {
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(address.secret).sign(delivery.id, now, body),
    }
    return await _post(address.url, body, headers, now, allow_private=allow_private)


async def _post(url: str, body: str, headers: Mapping[str, str], now: datetime, *, allow_private: bool) -> Outcome:
    sent = {**_AGENT, "content-type": "application/json", **headers}
    try:
        async with (
            asyncio.timeout(_SECONDS),
            new_http(allow_private=allow_private) as http,
            http.stream("POST", url, content=body.encode(), headers=sent) as answer,
        ):
            return _outcome(answer, await _beginning(answer), now)
    except TimeoutError:
        return Outcome(ok=False, answer=f"No answer within {_SECONDS:.0f} s.")
    except GatewayError as fault:  # the address check speaks in the transport's words
        return Outcome(ok=False, answer=fault.detail)
    except (httpx2.HTTPError, httpx2.InvalidURL) as fault:
        return Outcome(ok=False, answer=f"No connection: {str(fault) or type(fault).__name__}.")


def _outcome(answer: httpx2.Response, text: str, now: datetime) -> Outcome:
    told = f"{answer.status_code} {text}".strip()
    wait = retry_after_seconds(answer.headers, now) if answer.status_code in (429, 503) else 0.0
    return Outcome(answer.is_success, told, gone=answer.status_code == _GONE, wait_seconds=wait)


async def _beginning(answer: httpx2.Response) -> str:
    read = b""
    async for part in answer.aiter_bytes():
        read += part
        if len(read) >= _READ_BYTES:
            break
    return read[:_READ_BYTES].decode(errors="replace")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
