"""Who may come in by a company's account: known by subject, else by verified address, else by group."""

from aforo.accounts.model import Person, Tenant
from aforo.accounts.oidc.errors import NotExpected
from aforo.accounts.oidc.model import Identity, RoleRule, rule_for
from aforo.accounts.people_sql import PeopleStore
from aforo.accounts.service import Accounts
from aforo.kit.clock import Clock
from aforo.kit.ids import new_id
from aforo.kit.jsontree import Json

_ASK = "Ask an administrator of Aforo"


class Entrance:
    """Finds or makes the person behind an identity. What the provider calls somebody later changes nothing here: the
    subject stays, so a new address neither locks them out nor lets them into somebody else's account."""

    def __init__(self, store: PeopleStore, accounts: Accounts, rules: tuple[RoleRule, ...], clock: Clock) -> None:
        self._store = store
        self._accounts = accounts
        self._rules = rules
        self._clock = clock

    async def person(self, who: Identity) -> Person:
        """Raises NotExpected, with whom to ask."""
        known = await self._store.by_subject(who.key)
        if known:
            return await self._unless_shut_out(known, who)
        if not who.email:
            raise NotExpected(
                "Your identity provider does not vouch for your e-mail address, so Aforo cannot tell who you are here.",
                next_step=f"{_ASK}, or have the address verified at the provider.",
            )
        found = await self._store.holder_of(who.email)
        return await self._link(*found, who) if found else await self._make(who)

    async def _link(self, person: Person, key: str | None, who: Identity) -> Person:
        """The address is a way in once only: whoever holds it later at the provider is somebody else."""
        await self._unless_shut_out(person, who)
        if key is not None or not await self._store.link(person.id, who.key):
            await self._note(person, "user.refused", who, why="linked to another subject")
            raise NotExpected(
                f"{who.email} belongs to somebody whom your identity provider knows under another account.",
                next_step=f"{_ASK} to unlink that account under Settings, People, if it is yours.",
            )
        await self._note(person, "user.identity", who, email=who.email)
        return person

    async def _make(self, who: Identity) -> Person:
        rule = rule_for(who.groups, self._rules)
        if rule is None:
            groups = ", and no group of yours may come in" if self._rules else ""
            raise NotExpected(
                f"Nobody has invited {who.email} to Aforo{groups}.",
                next_step=f"{_ASK} for an invitation.",
            )
        tenant = await self._tenant(rule)
        person = Person(new_id("usr"), tenant.id, who.name or who.email, rule.role, who.email)
        await self._store.add(person, self._clock.now(), who.key)
        await self._note(person, "user.join", who, email=who.email, group=rule.group, role=rule.role.value)
        return person

    async def _tenant(self, rule: RoleRule) -> Tenant:
        for tenant in await self._accounts.tenants():
            if rule.tenant in ("", tenant.slug):
                return tenant
        raise NotExpected(
            f"AFORO_OIDC_ROLES lets {rule.group} into the tenant {rule.tenant}, which is not there.",
            next_step=f"{_ASK} to mend the setting.",
        )

    async def _unless_shut_out(self, person: Person, who: Identity) -> Person:
        if person.disabled_at:
            await self._note(person, "user.refused", who, why="shut out")
            raise NotExpected("You have been shut out of Aforo.", next_step=f"{_ASK} to let you in.")
        return person

    async def _note(self, person: Person, action: str, who: Identity, **more: Json) -> None:
        detail: dict[str, Json] = {"provider": who.issuer, "subject": who.subject, **more}
        await self._accounts.note(person.tenant_id, person.id, action, person.id, detail)
