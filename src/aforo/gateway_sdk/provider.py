"""An OAuth2 authorization server where a person lets Aforo in, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a provider means by an error: `sign` stands somewhere in what it says, in lower case.

    `next_step` may name `{client_id}`, `{origin}` and the form's fields. `reconnect`: a new consent mends it.
    """

    sign: str
    words: str
    next_step: str
    reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """Where people consent, and where tokens are earned by the authorization code grant with PKCE.

    key         names the installation's client: AFORO_<KEY>_CLIENT_ID and _CLIENT_SECRET. Empty: the form has fields
                `issuer`, `client_id` and `client_secret`, and the addresses are discovered below the issuer
    authorize   address for the browser; braces name fields of the form
    token       address of the token endpoint, likewise
    scope       what is asked for; a refresh token must come of it
    needed      scopes without which nothing works; a person may have unticked them
    parameters  further parameters of the authorization request
    register    what whoever registers Aforo at the provider must know, a sentence each
    """

    key: str
    name: str
    authorize: str = ""
    token: str = ""
    scope: str = ""
    needed: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    register: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
