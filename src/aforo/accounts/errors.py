"""Why a caller is not let in."""

from aforo.kit.errors import Forbidden, Overloaded, Unauthenticated


class KeyRevoked(Unauthenticated):
    """The key was known once; it has been revoked or has expired."""

    code = "key_revoked"


class MissingScope(Forbidden):
    """The key is good, but not for this."""

    code = "missing_scope"


class TenantMismatch(Forbidden):
    """The request names a tenant that is not the key's."""

    code = "tenant_mismatch"


class CsrfFailed(Forbidden):
    """A form came without the token of its session."""

    code = "csrf_failed"


class SignInNeeded(Unauthenticated):
    """A page was asked for without a session."""

    code = "sign_in_needed"


class PasswordsOff(Forbidden):
    """The installation lets nobody in by password (AFORO_PASSWORD_SIGN_IN)."""

    code = "passwords_off"


class TooManyTries(Overloaded):
    """Passwords are being guessed; further tries are not looked at for a while."""

    code = "too_many_tries"


class NetworkRefused(Forbidden):
    """The key may not be used from this address."""

    code = "network_not_allowed"
