"""Executes shared flows: steps by their conditions, policies by their kind, and callouts of other shared flows."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from .bundle import BadBundle, Bundle, Policy
from .faults import Fault
from .messages import Variables

_DEEPEST: Final = 10


@dataclass(slots=True)
class Call:
    """One call of a proxy, as far as policies see it."""

    organization: str
    environment: str
    proxy: str
    flow: Variables
    path: str
    verb: str
    trace: list[str] = field(default_factory=list)


Run = Callable[[Policy, Bundle, Call], Awaitable[None]]


class Machine:
    """`bundle_of(environment, name)` gives what is deployed there, or None. `trace` of a call lists executed steps."""

    def __init__(self, policies: dict[str, Run], bundle_of: Callable[[str, str], Bundle | None]) -> None:
        self._policies = policies
        self._bundle_of = bundle_of

    def refuse_unknown(self, bundle: Bundle) -> None:
        """Raises BadBundle for a policy that cannot be executed here."""
        for policy in bundle.policies.values():
            if policy.kind != "FlowCallout" and policy.kind not in self._policies:
                raise BadBundle(f"The policy {policy.name} is a {policy.kind}, which this emulator does not execute.")

    async def run(self, name: str, call: Call, depth: int = 0) -> None:
        """One shared flow from its first step to its last; raises the fault that ended it."""
        bundle = self._bundle_of(call.environment, name)
        if bundle is None or depth > _DEEPEST:
            raise Fault("flow.SharedFlowNotFound", f"Shared flow {name} Not Found", 500)
        for step in bundle.steps:
            policy = bundle.policies[step.name]
            if policy.enabled and step.condition(call.flow):
                await self._step(policy, bundle, call, depth)

    async def _step(self, policy: Policy, bundle: Bundle, call: Call, depth: int) -> None:
        call.trace.append(policy.name)
        try:
            if policy.kind == "FlowCallout":
                await self.run(policy.value("SharedFlowBundle"), call, depth + 1)
            else:
                await self._executed(policy, bundle, call)
        except Fault as fault:
            if not policy.continues:
                raise
            call.flow.set("fault.name", fault.name)

    async def _executed(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        """An element that is missing or holds something else than its policy needs is a fault of that policy."""
        try:
            await self._policies[policy.kind](policy, bundle, call)
        except (ValueError, TypeError, AttributeError, KeyError) as fault:
            raise Fault("steps.ExecutionFailed", f"{policy.name} cannot be executed: {fault}") from fault


class Background:
    """Work that nobody waits for; `settled` waits for all of it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
