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
