"""Why somebody did not get in by their company's account; each says who can do what about it."""

from aforo.kit.errors import Forbidden, Overloaded, Unauthenticated


class ProviderUnavailable(Overloaded):
    """The identity provider does not answer, or not as one. Nothing is wrong with the person."""

    code = "identity_provider_unavailable"


class ProviderRefused(Unauthenticated):
    """The identity provider answered, and it said no: to the person, or to Aforo as its client."""

    code = "identity_provider_refused"


class TokenRefused(Unauthenticated):
    """What the identity provider sent does not prove who this is."""

    code = "identity_token_refused"


class SignInStale(Unauthenticated):
    """This sign-in was begun elsewhere, ended before, or took too long."""

    code = "sign_in_stale"


class NotExpected(Forbidden):
    """The identity provider knows the person, and nobody has let them in here."""

    code = "person_not_expected"
