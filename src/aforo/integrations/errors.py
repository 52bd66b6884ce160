"""What can be wrong with an integration before its gateway is even called."""

from aforo.kit.errors import Conflict, Invalid


class SettingsMissing(Conflict):
    """Saved, but not complete: some field can only be known later, and is not known yet."""

    code = "settings_missing"


class UnknownGateway(Invalid):
    """There is no such gateway, or it has no such sign-in."""

    code = "unknown_gateway"


class InUse(Conflict):
    """Products or credentials still hang on this integration."""

    code = "integration_in_use"


class NameTaken(Conflict):
    """Another integration of the tenant has this name."""

    code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is an integration named {name} already.", next_step="Choose another name.")


class ConnectionNotTested(Conflict):
    """The settings, as they are now, have not passed a connection test, or were found unsafe by the last one."""

    code = "connection_not_tested"


class SettingsMoved(Conflict):
    """Somebody else changed the settings since they were read."""

    code = "settings_moved"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The settings of {name} were changed at the same time. Nothing of this was stored.",
            next_step="Look at them as they are now, and try again.",
        )


class PartMissing(Conflict):
    """This gateway cannot do what was asked for; its manifest says why."""

    code = "not_supported"
