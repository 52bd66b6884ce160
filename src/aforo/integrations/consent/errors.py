"""What can go wrong on the way to a provider's page and back."""

from aforo.kit.errors import Conflict


class ConsentNotPossible(Conflict):
    """This installation is no client of the provider yet."""

    code = "consent_not_possible"


class UnknownState(Conflict):
    """The answer belongs to no sign-in that this person has under way; which of the reasons it is, nobody learns."""

    code = "consent_state_unknown"

    def __init__(self) -> None:
        super().__init__(
            "This answer belongs to no sign-in of yours that is under way: it was used already, is older than ten "
            "minutes, or was begun by somebody else. Nothing was changed.",
            next_step="Open the integration and begin the sign-in again.",
        )


class ConsentRefused(Conflict):
    """The provider came back without consent, or with too little of it."""

    code = "consent_refused"
