"""OAuth2 by a person's consent: authorization code with PKCE and a state that is good once, and tokens from then on."""

from aforo.integrations.consent.clients import Clients
from aforo.integrations.consent.service import Consents

__all__ = ["Clients", "Consents"]
