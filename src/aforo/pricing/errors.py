"""What can stand in the way of a sync."""

from aforo.kit.errors import Conflict


class DangersUnconfirmed(Conflict):
    """What was selected does something to others that nobody has confirmed."""

    code = "dangers_unconfirmed"
