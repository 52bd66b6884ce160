"""Records of artifacts as JSON, and back."""

import json
from typing import Any

from aforo.artifacts.model import Mode, Pause, Verification, Wishes
from aforo.gateway_sdk.artifact import FailMode, Receipt, Wiring
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.kit.clock import from_rfc3339, rfc3339


def wishes_out(wishes: Wishes) -> dict[str, Any]:
    return {
        "targets": [*wishes.targets],
        "key_from": [*wishes.key_from],
        "excluded": [*wishes.excluded],
        "metrics": {**wishes.metrics},
        "fail_mode": wishes.fail_mode.value,
        "options": {**wishes.options},
    }


def wishes_in(read: dict[str, Any]) -> Wishes:
    return Wishes(
        tuple(read["targets"]),
        tuple(read["key_from"]),
        tuple(read["excluded"]),
        read["metrics"],
        FailMode(read["fail_mode"]),
        read["options"],
    )


def wiring_out(wiring: Wiring) -> dict[str, Any]:
    return {
        "integration_id": wiring.integration_id,
        "api_key": wiring.api_key,
        "ingest_url": wiring.ingest_url,
        "products": [[one.id, one.ref, one.native_id, one.name] for one in wiring.products],
        "targets": [*wiring.targets],
        "key_from": [*wiring.key_from],
        "excluded": [*wiring.excluded],
        "metrics": {**wiring.metrics},
        "fail_mode": wiring.fail_mode.value,
        "enforce": wiring.enforce,
        "options": {**wiring.options},
    }


def wiring_in(read: dict[str, Any]) -> Wiring:
    return Wiring(
        read["integration_id"],
        read["api_key"],
        read["ingest_url"],
        tuple(ScopedProduct(*one) for one in read["products"]),
        tuple(read["targets"]),
        tuple(read["key_from"]),
        tuple(read["excluded"]),
        read["metrics"],
        FailMode(read["fail_mode"]),
        read["enforce"],
        read["options"],
    )


def receipt_out(receipt: Receipt) -> dict[str, Any]:
    return {
        "version": receipt.version,
        "made": [*receipt.made],
        "before": dict(receipt.before),
        "attached": [*receipt.attached],
    }


def receipt_in(read: dict[str, Any]) -> Receipt:
    return Receipt(read["version"], tuple(read["made"]), read["before"], tuple(read["attached"]))


def pause_out(pause: Pause | None) -> str | None:
    if pause is None:
        return None
    told = [rfc3339(pause.since), pause.by, pause.reason, pause.mode_before.value, [*pause.product_ids]]
    return json.dumps(told)


def pause_in(text: str | None) -> Pause | None:
    if text is None:
        return None
    since, by, reason, mode, product_ids = json.loads(text)
    return Pause(from_rfc3339(since), by, reason, Mode(mode), tuple(product_ids))


def verification_out(one: Verification | None) -> str | None:
    if one is None:
        return None
    checks = [
        [check.name, check.verdict.value, check.detail, check.next_step, check.code, check.took_ms]
        for check in one.checks
    ]
    return json.dumps([rfc3339(one.at), one.by, one.url, checks, one.canary_left])


def verification_in(text: str | None) -> Verification | None:
    if text is None:
        return None
    at, by, url, checks, left = json.loads(text)
    read = tuple(Check(name, Verdict(verdict), *rest) for name, verdict, *rest in checks)
    return Verification(from_rfc3339(at), by, url, read, left)
