"""KeyValueMapOperations: reads entries into variables, and keeps them for the policy's expiry time.

Maps are always encrypted, so an entry may be read into `private.` variables only. Not from a recording: that a value is
kept for each entry by itself.
"""

from ..bundle import Bundle, Policy
from ..faults import Fault
from ..machine import Call
from ..messages import text
from ..surroundings import Surroundings

_KEPT_SECONDS = 300.0


class Maps:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def run(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        del bundle
        name = policy.element.get("mapIdentifier") or policy.value("MapName")
        place = "-" if policy.value("Scope", "environment") == "organization" else call.environment
        for get in policy.element.findall("Get"):
            variable = get.get("assignTo", "")
            if not variable.startswith("private."):
                words = f"The variable {variable} needs the prefix private, since the map is encrypted"
                raise Fault("steps.keyvaluemapoperations.SetVariableFailed", words)
            parameter = get.find("Key/Parameter")
            entry = text(call.flow.get(parameter.get("ref"))) if parameter.get("ref") else parameter.text.strip()
            self._read(policy, call, f"{place}/{name}", entry, variable)

    def _read(self, policy: Policy, call: Call, place: str, entry: str, variable: str) -> None:
        known = f"kvm/{place}/{entry}"
        kept = self._around.remembered(known)
        if kept is None:
            if self._around.store.get("maps", place) is None:
                raise Fault("steps.keyvaluemapoperations.KeyValueMapNotFound", f"KeyValueMap {place} not found")
            row = self._around.store.get("entries", f"{place}/{entry}")
            kept = ("found", row["value"]) if row else ("absent", None)
            self._around.remember(known, kept, float(policy.value("ExpiryTimeInSecs") or _KEPT_SECONDS))
        if kept[0] == "found":
            call.flow.set(variable, kept[1])
