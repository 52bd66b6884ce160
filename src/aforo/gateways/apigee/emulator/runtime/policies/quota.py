"""Quota: counts by identifier within an interval that begins with the first call. Calendar types are not executed."""

from ..bundle import Bundle, Policy
from ..faults import Fault
from ..machine import Call
from ..messages import text
from ..surroundings import Surroundings

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000}


class Quotas:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def run(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        del bundle
        allowed = int(_number(policy, call, "Allow", "countRef", "count"))
        seconds = _number(policy, call, "Interval", "ref", "") * _SECONDS[policy.value("TimeUnit", "minute")]
        identifier = policy.element.find("Identifier")
        who = text(call.flow.get(identifier.get("ref"))) if identifier is not None else ""
        key = f"{call.environment}/{call.proxy}/{policy.name}/{who}"
        begun, used = self._around.counted.get(key, (self._around.now(), 0))
        if self._around.now() >= begun + seconds:
            begun, used = self._around.now(), 0
        fails = used + 1 > allowed
        used += 0 if fails else 1
        self._around.counted[key] = (begun, used)
        prefix = f"ratelimit.{policy.name}."
        told = {"allowed.count": allowed, "used.count": used, "available.count": allowed - used, "failed": fails}
        for name, value in told.items():
            call.flow.set(f"{prefix}{name}", value)
        if fails:
            raise Fault("policies.ratelimit.QuotaViolation", f"Rate limit quota violation. Identifier : {who}", 429)


def _number(policy: Policy, call: Call, tag: str, reference: str, attribute: str) -> float:
    """By reference, else as an attribute or text."""
    element = policy.element.find(tag)
    told = call.flow.get(element.get(reference)) if element.get(reference) else None
    return float(told if told is not None else element.get(attribute) if attribute else element.text)
