"""Why a schedule is not run now."""

from aforo.kit.errors import Conflict


class Paused(Conflict):
    """Its integration is in a maintenance pause."""

    code = "integration_paused"
