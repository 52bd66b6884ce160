"""LookupCache and PopulateCache, in the environment's shared cache."""

from ..bundle import Bundle, Policy
from ..machine import Call
from ..messages import text
from ..surroundings import Surroundings


class Lookup:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def run(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        del bundle
        found = self._around.remembered(_key(policy, call))
        call.flow.set(f"lookupcache.{policy.name}.cachehit", value=found is not None)
        if found is not None:
            call.flow.set(policy.value("AssignTo"), found)


class Populate:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def run(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        del bundle
        timeout = policy.element.find("ExpirySettings/TimeoutInSeconds")
        told = call.flow.get(timeout.get("ref")) if timeout.get("ref") else None
        seconds = float(told if told is not None else timeout.text)
        value = call.flow.get(policy.value("Source"))
        if value is not None:
            self._around.remember(_key(policy, call), value, seconds)


def _key(policy: Policy, call: Call) -> str:
    """A key of scope Global is the environment's; any other belongs to the proxy as well."""
    fragments = [
        text(call.flow.get(one.get("ref"))) if one.get("ref") else (one.text or "").strip()
        for one in policy.element.findall("CacheKey/KeyFragment")
    ]
    own = [] if policy.value("Scope", "Exclusive") == "Global" else [call.proxy]
    prefix = policy.value("CacheKey/Prefix")
    return "__".join(["cache", call.environment, *own, *([prefix] if prefix else []), *fragments])
