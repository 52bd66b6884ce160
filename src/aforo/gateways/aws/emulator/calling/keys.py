"""API keys and usage plans on the request path: which key opens a stage, and how much of its quota is left."""

from datetime import date, timedelta

from aforo.gateways.aws.emulator.region import Record, Region


class UsedUp:
    """Counts each key's calls by day in the region's data, and holds them against the quota of its plan."""

    def key(self, region: Region, api_id: str, stage_name: str, value: str) -> tuple[Record, Record] | None:
        """The enabled key with this value and the plan by which it opens the stage."""
        key = next((row for row in region.kind("apikeys").values() if row["value"] == value), None)
        plan = _plan(region, key["id"], api_id, stage_name) if key and key["enabled"] else None
        return (key, plan) if key and plan else None

    def takes(self, region: Region, key: Record, plan: Record) -> bool:
        """Whether one more call is within the plan's quota; counts it if so."""
        today = region.clock.now().date()
        days = region.kind("used").setdefault(plan["id"], {}).setdefault(key["id"], {})
        if (quota := plan.get("quota")) and used_by(days, quota["period"], today) >= quota["limit"]:
            return False
        days[today.isoformat()] = days.get(today.isoformat(), 0) + 1
        return True


def used_by(days: Record, period: str, day: date) -> int:
    """Calls of the period in which a day lies, up to its end."""
    first, last = _began(day, period).isoformat(), day.isoformat()
    return sum(calls for one, calls in days.items() if first <= one <= last)


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
