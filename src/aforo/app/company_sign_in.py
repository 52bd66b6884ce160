"""What an installation's settings say about signing in at a company's identity provider."""

from typing import Final
from urllib.parse import urlsplit

from aforo.accounts.oidc.model import CALLBACK, Registration, RoleRule, roles_of
from aforo.accounts.oidc.service import Setting
from aforo.app.settings import Settings, is_loopback
from aforo.kit.errors import Invalid

_OPENID: Final = "openid"


def company_setting(settings: Settings) -> Setting:
    """A fault in the settings is told where people sign in, and stops nothing: links and keys still let people in."""
    if not settings.oidc_issuer:
        given = [name for name, value in _needed(settings).items() if value and name != "AFORO_OIDC_ISSUER"]
        return Setting(None, f"{given[0]} is set without AFORO_OIDC_ISSUER." if given else "")
    rules: tuple[RoleRule, ...] = ()
    lack = _lack(settings)
    try:
        rules = roles_of(settings.oidc_roles)
    except Invalid as fault:
        lack = lack or str(fault)
    return Setting(_registration(settings, settings.oidc_issuer.strip(), rules), lack)


def redirect_uri(settings: Settings) -> str:
    """Where the provider sends people back to; it must be registered there letter for letter."""
    return f"{settings.base_url}{CALLBACK}"


def _registration(settings: Settings, issuer: str, rules: tuple[RoleRule, ...]) -> Registration:
    secret = settings.oidc_client_secret
    return Registration(
        issuer=issuer,
        client_id=(settings.oidc_client_id or "").strip(),
        redirect_uri=redirect_uri(settings),
        client_secret=secret.get_secret_value() if secret else "",
        name=(settings.oidc_name or _host(issuer)).strip(),
        scopes=" ".join(settings.oidc_scopes.split()),
        role_claim=settings.oidc_role_claim,
        roles=rules,
        trusts_email=settings.oidc_trust_email,
    )


def _lack(settings: Settings) -> str:
    missing = [name for name, value in _needed(settings).items() if not value]
    if missing:
        return f"{missing[0]} is not set."
    if _OPENID not in settings.oidc_scopes.split():
        return "AFORO_OIDC_SCOPES must name openid."
    if not settings.public_url and not is_loopback(settings.host):
        return "AFORO_PUBLIC_URL is not set, so the provider has nowhere to send people back to."
    return ""


def _needed(settings: Settings) -> dict[str, str | None]:
    return {"AFORO_OIDC_ISSUER": settings.oidc_issuer, "AFORO_OIDC_CLIENT_ID": settings.oidc_client_id}


def _host(issuer: str) -> str:
    try:
        return urlsplit(issuer).hostname or issuer
    except ValueError:
        return issuer
