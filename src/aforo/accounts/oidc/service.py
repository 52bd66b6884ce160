"""One sign-in from the button to the session."""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aforo.accounts.oidc import tokens
from aforo.accounts.oidc.begun import LIFE, begin, seal, stale, unseal
from aforo.accounts.oidc.entry import Entrance
from aforo.accounts.oidc.errors import ProviderRefused, TokenRefused
from aforo.accounts.oidc.model import Identity, Registration, claims_at, identity_of
from aforo.accounts.oidc.provider import Description, IdentityProvider, is_secure
from aforo.accounts.people_sql import PeopleStore
from aforo.accounts.service import Accounts
from aforo.kit.clock import Clock
from aforo.kit.errors import AforoError
from aforo.kit.secretbox import SecretBox

_PATIENCE_SECONDS: Final = 3.0


class Setting(NamedTuple):
    """What was set, and what is wrong with it in words for whoever set it ("" where nothing is)."""

    registration: Registration | None
    lack: str = ""


class Start(NamedTuple):
    """Where the browser goes, and the cookie that it takes along."""

    url: str
    cookie: str


class Entered(NamedTuple):
    """The session's cookie, and where they wanted to go."""

    session: str
    next: str


class CompanySignIn:
    """Sign-in at the one identity provider that an installation may have."""

    def __init__(
        self, setting: Setting, entrance: Entrance, store: PeopleStore, accounts: Accounts, box: SecretBox, clock: Clock
    ) -> None:
        self.lack = setting.lack
        self.registration = None if setting.lack else setting.registration
        self.told = setting.registration
        self._provider = IdentityProvider(self.registration, clock) if self.registration else None
        self._entrance = entrance
        self._store = store
        self._accounts = accounts
        self._box = box
        self._clock = clock

    @property
    def name(self) -> str:
        """Of the provider, as people know it; "" where there is none to sign in at."""
        return self.registration.name if self.registration else ""

    async def begin(self, where: str) -> Start:
        """`where` must be one of our paths. Raises ProviderUnavailable."""
        me, provider = self._parts()
        place = await provider.description()
        begun = begin(where, self._clock.now())
        wish = {
            "response_type": "code",
            "client_id": me.client_id,
            "redirect_uri": me.redirect_uri,
            "scope": me.scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": begun.challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in place.authorize_url else "?"
        return Start(f"{place.authorize_url}{joint}{urlencode(wish)}", seal(begun, self._box))

    async def finish(self, told: Mapping[str, str], cookie: str) -> Entered:
        """What the provider sent the browser back with. Raises one of the errors of this folder."""
        me, provider = self._parts()
        now = self._clock.now()
        begun = unseal(cookie, told.get("state", ""), now, self._box)
        if not await self._store.spend(begun.state_hash, now, now - LIFE):
            raise stale("was finished before")
        place = await provider.description()
        _check_answer(told, place, me.name)
        id_token, access_token = await provider.exchange(told["code"], begun.verifier)
        who = await self._identity(id_token, access_token, begun.nonce)
        person = await self._entrance.person(who)
        by = {"by": "oidc", "provider": who.issuer, "subject": who.subject}
        await self._accounts.note(person.tenant_id, person.id, "user.sign_in", person.id, by)
        return Entered(await self._accounts.session_for(person.id), begun.next)

    async def fault(self) -> str:
        """What keeps the provider from being used now, in words; "" where nothing does."""
        if self._provider is None:
            return self.lack
        try:
            await asyncio.wait_for(self._provider.description(), _PATIENCE_SECONDS)
        except TimeoutError:
            return f"{self.name} does not answer within {_PATIENCE_SECONDS:.0f} s."
        except AforoError as fault:
            return str(fault)
        return ""

    async def leave_url(self, back: str) -> str:
        """Where people may end their session at the provider too; "" where it has no such place, or is away."""
        if self._provider is None or self.registration is None or await self.fault():
            return ""
        place = (await self._provider.description()).leave_url
        told = {"client_id": self.registration.client_id, "post_logout_redirect_uri": back}
        return f"{place}{'&' if '?' in place else '?'}{urlencode(told)}" if place else ""

    async def _identity(self, id_token: str, access_token: str, nonce: str) -> Identity:
        me, provider = self._parts()
        claims = tokens.signed_claims(id_token, await provider.key_of(id_token))
        issuer = (await provider.description()).issuer
        tokens.check(claims, issuer=issuer, client_id=me.client_id, nonce=nonce, now=self._clock.now())
        if "email" not in claims or (me.roles and claims_at(claims, me.role_claim) is None):
            more = await provider.more_claims(access_token)
            if more and more.get("sub") != claims["sub"]:
                raise TokenRefused(f"{me.name} told of somebody else when asked for more.", next_step="Begin again.")
            claims = {**more, **claims}
        return identity_of(claims, me)

    def _parts(self) -> tuple[Registration, IdentityProvider]:
        if self.registration is None or self._provider is None:
            raise ProviderRefused(
                "No identity provider is set up here.", next_step="Sign in another way, or set AFORO_OIDC_ISSUER."
            )
        return self.registration, self._provider


def open_company_sign_in(
    setting: Setting, store: PeopleStore, accounts: Accounts, box: SecretBox, clock: Clock
) -> CompanySignIn:
    """Wire it; an issuer without TLS elsewhere than on this machine is not used."""
    me = setting.registration
    if me and not setting.lack and not is_secure(me.issuer):
        setting = Setting(me, "AFORO_OIDC_ISSUER must begin with https://.")
    entrance = Entrance(store, accounts, me.roles if me else (), clock)
    return CompanySignIn(setting, entrance, store, accounts, box, clock)


def _check_answer(told: Mapping[str, str], place: Description, name: str) -> None:
    """Before the code is used: who answers (RFC 9207), and whether it is a yes."""
    said = told.get("iss")
    if (said is not None or place.names_itself) and said != place.issuer:
        raise TokenRefused(
            f"The answer does not come from {name}. Nobody was signed in.", next_step="Begin again on this page."
        )
    error = told.get("error", "")
    if error == "access_denied":
        raise ProviderRefused(
            f"{name} did not let you through: it was cancelled, or you are not assigned to Aforo there.",
            next_step="Begin again, or ask whoever runs the identity provider to assign you.",
        )
    if error:
        plain = "".join(letter for letter in error if letter.isalnum() or letter == "_")[:60]
        raise ProviderRefused(
            f"{name} refused the sign-in ({plain}).",
            next_step="Begin again. If it happens again, ask an administrator to check Aforo's registration there.",
        )
    if not told.get("code"):
        raise ProviderRefused(f"{name} sent no code.", next_step="Begin again on this page.")
