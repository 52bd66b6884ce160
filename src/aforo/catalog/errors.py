"""What can stand in the way of an import or a restore."""

from collections.abc import Sequence

from aforo.catalog.model import StepResult
from aforo.gateway_sdk.errors import GatewayError
from aforo.kit.errors import Conflict


class PlanStale(Conflict):
    """The gateway or the record has changed since the preview; nothing was applied."""

    code = "plan_stale"


class NothingToRestore(Conflict):
    """The gateway already stands as recorded."""

    code = "nothing_to_restore"


class RestoreIncomplete(GatewayError):
    """Some steps stand at the gateway, others do not; the same restore again finishes it."""

    code = "restore_incomplete"

    def __init__(self, detail: str, steps: Sequence[StepResult], *, next_step: str | None = None) -> None:
        super().__init__(detail, next_step=next_step)
        self.steps = tuple(steps)


class RefTaken(Conflict):
    """Another recorded product of the integration still has the ref that this one would get."""

    code = "ref_taken"
