"""A data folder that the last release left, taken over by this program: nothing is lost, and no sum changes.

`data/left-by-0.1.0.tar.gz` was written by 0.1.0 itself, with the ports closed afterwards: an emulated Kong with three
products, one of them edited behind Aforo's back; a plan, a customer, a subscription and its key; 24 events of November
2026 and one for a metric that nobody has defined; a check of 7 units and a lease of 5; a webhook. The keys in it open
nothing else.
"""

import json
import tarfile
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.app.test_serve import served
from tests.live import emulated

_LEFT: Final = Path(__file__).parent / "data" / "left-by-0.1.0.tar.gz"
_NOVEMBER: Final = "from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z"


def test_what_0_1_0_left_is_served_whole_by_this_program(tmp_path: Path) -> None:
    with tarfile.open(_LEFT) as left:
        left.extractall(tmp_path, filter="data")
    told: dict[str, Any] = json.loads((tmp_path / "told.json").read_text())
    with served(tmp_path) as running, emulated("kong", products=3) as kong:
        assert "Admin key" not in running.printed, "a second admin key was made"
        headers = {"Authorization": f"Bearer {told['adminKey']}"}
        with httpx2.Client(base_url=running.api, headers=headers, trust_env=False, timeout=30) as aforo:
            assert_usage_is_whole(aforo, told)
            assert_a_new_statement_counts_it(aforo, told)
            assert_records_open(aforo, told, kong.url)
        sent = httpx2.post(f"{running.edge}/v1/ingest", json=_again("old-3"), headers=headers, trust_env=False)
        assert sent.json()["accepted"] == 0, "an event that 0.1.0 had counted was counted again"


def assert_usage_is_whole(aforo: httpx2.Client, told: dict[str, Any]) -> None:
    """Events, sums and dead letters as 0.1.0 told them, though the rollups are made anew."""
    events = aforo.get(f"/v1/events?limit=100&{_NOVEMBER}").json()["data"]
    assert sorted(event["idempotencyKey"] for event in events) == told["events"]
    usage = aforo.get(f"/v1/usage?metric=api_calls&group_by=customer&{_NOVEMBER}").json()["data"]
    assert usage == told["usage"]
    letters = aforo.get("/v1/dead-letters").json()["data"]
    assert [letter["event"]["idempotencyKey"] for letter in letters] == ["old-bad"]


def assert_a_new_statement_counts_it(aforo: httpx2.Client, told: dict[str, Any]) -> None:
    """49.00, ten calls at 0.50 and fourteen at 0.25: a thing that 0.1.0 could not say."""
    place = f"/api/v1/subscriptions/{told['subscription']}/statements"
    rows = aforo.get(place, params={"limit": 120}).json()["data"]
    november = next(row for row in rows if row["period"]["start"].startswith("2026-11"))
    assert november["total"] == "57.50"


def assert_records_open(aforo: httpx2.Client, told: dict[str, Any], kong_url: str) -> None:
    """Sealed products, the connection and the chained audit trail; the drift of then is read anew and is over."""
    moved = aforo.patch(f"/api/v1/integrations/{told['integration']}", json={"settings": {"admin_url": kong_url}})
    assert moved.status_code == 200, moved.text
    assert aforo.post(f"/api/v1/integrations/{told['integration']}/test").status_code == 200
    product = f"/api/v1/products/{told['product']}"
    assert aforo.get(product).json()["monetizationStatus"] == "STALE"
    drift = aforo.get(f"{product}/drift").json()
    assert (drift["monetizationStatus"], drift["drift"], drift["fields"]) == ("UNMONETIZED", None, [])
    assert [one["name"] for one in aforo.get("/api/v1/alerts/channels").json()["data"]] == ["hook"]
    proof = aforo.get("/api/v1/audit/proof").json()
    assert proof["whole"]
    actions = [entry["action"] for entry in aforo.get("/api/v1/audit?limit=1000").json()["data"]]
    assert actions[-len(told["actions"]) :] == told["actions"]


def _again(key: str) -> dict[str, object]:
    return {
        "customerId": "acme", "metricName": "api_calls", "quantity": 1, "occurredAt": "2026-11-20T11:05:00Z",
        "idempotencyKey": key,
    }  # fmt: skip
