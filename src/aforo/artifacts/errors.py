"""What can stand in the way of an artifact."""

from aforo.kit.errors import Conflict


class NotDeployed(Conflict):
    """There is no artifact at this gateway yet, or none that calls pass through."""

    code = "artifact_not_deployed"


class Paused(Conflict):
    """Somebody has paused the artifact; it is resumed before anything else is switched."""

    code = "artifact_paused"


class NotPaused(Conflict):
    """Nothing is to be resumed."""

    code = "artifact_not_paused"


class NothingToEnforce(Conflict):
    """No product of this gateway has been imported, so no call could ever be refused."""

    code = "nothing_to_enforce"
