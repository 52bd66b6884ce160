"""Flow hooks of an environment: read, taken over without losing what stood there, and given back."""

from typing import Any, Final

from aforo.gateway_sdk.errors import PostconditionFailed
from aforo.gateways.apigee.artifact import bundle
from aforo.gateways.apigee.artifact.bundle import FLOW, POST, PRE, Wrapped
from aforo.gateways.apigee.artifact.flows import Flows
from aforo.gateways.apigee.client import Client

HOOKS: Final = (POST, PRE)
"""In the order of attaching: a call that was not asked about before is not metered after. Detaching goes backwards."""

CONTINUES: Final = {PRE: False, POST: True}
_DESCRIPTION: Final = "Aforo: asks before the backend runs, meters afterwards"
Hook = dict[str, Any]


class FlowHooks:
    def __init__(self, client: Client, flows: Flows) -> None:
        self._client = client
        self._flows = flows

    async def read(self, environment: str, hook: str) -> Hook:
        """What is attached, without what is Apigee's own; empty where nothing is."""
        told = await self._client.get("environments", environment, "flowhooks", hook)
        if not told.get("sharedFlow"):
            return {}
        return {name: told[name] for name in ("sharedFlow", "continueOnError", "description") if name in told}

    def is_ours(self, environment: str, hook: str, found: Hook) -> bool:
        return found.get("sharedFlow") in (FLOW, bundle.wrapper_name(environment, hook))

    def is_as_wanted(self, environment: str, hook: str, found: Hook) -> bool:
        return self.is_ours(environment, hook, found) and found.get("continueOnError", True) is CONTINUES[hook]

    async def attach(self, environment: str, hook: str) -> tuple[Hook, str]:
        """What stood there before, and the shared flow that stands there now."""
        found = await self.read(environment, hook)
        name = bundle.wrapper_name(environment, hook)
        if found.get("sharedFlow") == FLOW or not found:
            await self._put(environment, hook, FLOW, found)
            return {}, FLOW
        if found["sharedFlow"] == name:
            before = await self._wrapped(name)
        else:
            before = found
        theirs = Wrapped(str(before["sharedFlow"]), bool(before.get("continueOnError", True)))
        revision, _ = await self._flows.imported(name, bundle.wrapper(name, theirs, continues=CONTINUES[hook]))
        await self._flows.deploy(environment, name, revision)
        await self._put(environment, hook, name, found)
        return before, name

    async def give_back(self, environment: str, hook: str, before: Hook | None) -> bool:
        """As it stood before, unless somebody has attached something else since. Whether it was still ours."""
        found = await self.read(environment, hook)
        if not self.is_ours(environment, hook, found):
            return False
        if before is None and found["sharedFlow"] != FLOW:
            before = await self._wrapped(found["sharedFlow"])
        path = ("environments", environment, "flowhooks", hook)
        if before:
            await self._client.put(path, before)
        else:
            await self._client.delete(*path)
        now = await self.read(environment, hook)
        if self.is_ours(environment, hook, now):
            raise PostconditionFailed(
                f"The flow hook {hook} of {environment} still names {now['sharedFlow']}.",
                next_step="Look at the flow hook at Apigee, then detach again.",
            )
        return True

    async def _put(self, environment: str, hook: str, shared_flow: str, found: Hook) -> None:
        wanted = {"sharedFlow": shared_flow, "continueOnError": CONTINUES[hook], "description": _DESCRIPTION}
        if found == wanted:
            return
        await self._client.put(("environments", environment, "flowhooks", hook), wanted)
        now = await self.read(environment, hook)
        if now.get("sharedFlow") != shared_flow or not self.is_as_wanted(environment, hook, now):
            raise PostconditionFailed(
                f"The flow hook {hook} of {environment} reads {now.get('sharedFlow') or 'nothing'} after the write.",
                next_step="Look who else attaches shared flows there, then attach again.",
            )

    async def _wrapped(self, name: str) -> Hook:
        found = await self._flows.latest(name)
        theirs = bundle.wrapped(found[1]) if found else None
        return {"sharedFlow": theirs.shared_flow, "continueOnError": theirs.continues} if theirs else {}
