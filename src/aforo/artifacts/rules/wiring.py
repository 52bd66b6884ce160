"""From wishes to a wiring, and from a gateway's words to what may be shown."""

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from aforo.artifacts.model import Wishes
from aforo.gateway_sdk.artifact import PlannedStep, Rollout, Wiring
from aforo.gateway_sdk.contract import Check, Document
from aforo.gateway_sdk.pricing import ScopedProduct

NO_KEY_YET: Final = "made-by-aforo-when-it-is-deployed"
"""Stands for the API key in a preview before there is one."""
_INGEST: Final = "/v1/ingest"


def wiring(
    integration_id: str,
    wishes: Wishes,
    products: Sequence[ScopedProduct],
    *,
    api_key: str,
    ingest_url: str,
    enforce: bool,
) -> Wiring:
    return Wiring(
        integration_id=integration_id,
        api_key=api_key,
        ingest_url=ingest_url,
        products=tuple(products),
        targets=wishes.targets,
        key_from=wishes.key_from,
        excluded=wishes.excluded,
        metrics=wishes.metrics,
        fail_mode=wishes.fail_mode,
        enforce=enforce,
        options=wishes.options,
    )


def ingest_url(given: str) -> str:
    """An address of the edge, ending in /v1/ingest whether it was given so or not."""
    return given.rstrip("/").removesuffix(_INGEST).rstrip("/") + _INGEST


def is_near(url: str) -> bool:
    """Whether only this machine itself can reach an address."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def without(secret: str, rollout: Rollout) -> Rollout:
    """The same with the secret's last four in its place, wherever a gateway's part wrote it."""

    def hide(text: str) -> str:
        return hidden(secret, text)

    return replace(
        rollout,
        steps=tuple(
            PlannedStep(step.action, hide(step.what), hide(step.detail), hide(step.danger)) for step in rollout.steps
        ),
        hits=tuple(map(hide, rollout.hits)),
        documents=tuple(Document(one.filename, one.media_type, hide(one.text)) for one in rollout.documents),
        notes=tuple(map(hide, rollout.notes)),
    )


def check_without(secrets: Sequence[str], check: Check) -> Check:
    detail, next_step = check.detail, check.next_step
    for secret in secrets:
        detail = hidden(secret, detail)
        next_step = hidden(secret, next_step) if next_step else None
    return replace(check, detail=detail, next_step=next_step)


def hidden(secret: str, text: str) -> str:
    return text.replace(secret, f"••••{secret[-4:]}") if len(secret) > 8 else text
