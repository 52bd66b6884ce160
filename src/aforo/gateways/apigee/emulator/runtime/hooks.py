"""The flow hooks of an environment: each runs one shared flow at its place around a proxy.

Apigee's documents: a fault in a hook's shared flow is sent back to the caller; in the error state no flow runs any more
but the proxy's own fault rules and PostClientFlow. So a call that has faulted never comes to a Post hook. A hook's
`continueOnError` is true unless it was attached with false.
"""

from collections.abc import Callable
from typing import Any

from .faults import Fault
from .machine import Call, Machine

Row = dict[str, Any]


class Hooks:
    """`hook_of(environment, point)` gives the hook's row, or None where nothing is attached."""

    def __init__(self, machine: Machine, hook_of: Callable[[str, str], Row | None]) -> None:
        self._machine = machine
        self._hook_of = hook_of

    async def run(self, point: str, call: Call) -> None:
        """Raises the fault that the caller is to get."""
        hook = self._hook_of(call.environment, point)
        if hook is None:
            return
        try:
            await self._machine.run(hook["sharedFlow"], call)
        except Fault:
            if not hook.get("continueOnError", True):
                raise
