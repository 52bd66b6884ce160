"""The request path: calls of a REST API's stage, let in or not by API key and usage plan, and the backend behind it.

A stage is called at `/proxy/<api id>/<stage>/…` with the key in `x-api-key`. What is deployed counts, not what stands.
Statuses and words are those of API Gateway's stock gateway responses. Modelled: `apiKeyRequired`, disabled keys, plans
that do not name the stage, and a plan's quota for each key. Left out: throttles, authorizers, HTTP APIs, and the
minutes that AWS takes to spread a change.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from aforo.gateways.aws.emulator.region import Record, Region
from aforo.gateways.aws.emulator.wire import Answer, Call, answer_of

PREFIX = "/proxy/"


class RequestPath:
    """`backend_calls` counts by `apiId/stage` what has passed."""

    def __init__(self) -> None:
        self.backend_calls: Counter[str] = Counter()
        self._used: Counter[tuple[str, str, date]] = Counter()

    def answer(self, regions: Iterable[Region], call: Call) -> Answer:
        """The backend's answer, which tells what it was sent, or API Gateway's refusal."""
        api_id, stage_name, *rest = [*call.segments[1:], "", ""][:2] + call.segments[3:]
        for region in regions:
            api = region.kind("restapis").get(api_id)
            if api and stage_name in api["stages"]:
                return self._served(region, api, api["stages"][stage_name], "/" + "/".join(rest), call)
        return _message(403, "Forbidden")

    def _served(self, region: Region, api: Record, stage: Record, path: str, call: Call) -> Answer:
        deployed = api["deployments"][stage["deploymentId"]]["snapshot"]
        method = _method(deployed, path, call.method)
        if method is None:
            return _message(403, "Missing Authentication Token")
        if method.get("apiKeyRequired"):
            refusal = self._refusal(region, api["about"]["id"], stage["stageName"], call.headers.get("x-api-key", ""))
            if refusal:
                return refusal
        self.backend_calls[f"{api['about']['id']}/{stage['stageName']}"] += 1
        return answer_of(200, {"stage": stage["stageName"], "path": path})

    def _refusal(self, region: Region, api_id: str, stage_name: str, value: str) -> Answer | None:
        key = next((row for row in region.kind("apikeys").values() if row["value"] == value), None)
        plan = _plan(region, key["id"], api_id, stage_name) if key and key["enabled"] else None
        if key is None or plan is None:
            return _message(403, "Forbidden")
        quota = plan.get("quota")
        if quota:
            counter = (plan["id"], key["id"], _began(region.clock.now().date(), quota["period"]))
            if self._used[counter] >= quota["limit"]:
                return _message(429, "Limit Exceeded")
            self._used[counter] += 1
        return None


def _plan(region: Region, key_id: str, api_id: str, stage_name: str) -> Record | None:
    """AWS sees to it that there is one at the most."""
    for plan in region.kind("usageplans").values():
        named = any((one["apiId"], one["stage"]) == (api_id, stage_name) for one in plan["apiStages"])
        if named and key_id in region.kind("plankeys")[plan["id"]]:
            return plan
    return None


def _began(today: date, period: str) -> date:
    """The first day of the running period; a week begins on Sunday."""
    if period == "MONTH":
        return today.replace(day=1)
    return today - timedelta(days=(today.weekday() + 1) % 7) if period == "WEEK" else today


def _method(deployed: Record, path: str, name: str) -> Record | None:
    """Of the resource that fits with the fewest variables."""
    fitting = [one for one in deployed["resources"].values() if re.fullmatch(_pattern(one["path"]), path)]
    for resource in sorted(fitting, key=lambda one: (str(one["path"]).count("+}"), str(one["path"]).count("{"))):
        methods: dict[str, Record] = resource["methods"]
        if found := methods.get(name) or methods.get("ANY"):
            return found
    return None


def _pattern(path: str) -> str:
    pieces = re.split(r"(\{[^}]+\})", path)
    return "".join(
        (".+" if piece.endswith("+}") else "[^/]+") if piece.startswith("{") else re.escape(piece) for piece in pieces
    )


def _message(status: int, words: str) -> Answer:
    told: dict[str, Any] = {"message": words}
    return answer_of(status, told)
