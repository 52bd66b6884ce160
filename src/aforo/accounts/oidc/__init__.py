"""Sign-in at a company's identity provider by OpenID Connect: authorization code, PKCE, a state and a nonce."""

from aforo.accounts.oidc.model import Registration, RoleRule, roles_of
from aforo.accounts.oidc.service import CompanySignIn, open_company_sign_in

__all__ = ["CompanySignIn", "Registration", "RoleRule", "open_company_sign_in", "roles_of"]
