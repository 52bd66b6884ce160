"""What can stand in the way of a credential."""

from aforo.kit.errors import Conflict


class CredentialStateConflict(Conflict):
    """The credential, or its subscription, is in a state that does not allow this."""

    code = "credential_state"


class AlreadyAdopted(Conflict):
    """This consumer or key belongs to a subscription already."""

    code = "already_adopted"


class NotProvisionable(Conflict):
    """Aforo cannot make consumers and keys at this kind of gateway."""

    code = "not_provisionable"
