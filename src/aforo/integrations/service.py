"""Connect gateways, keep their secrets sealed, test them, and open them for the other rooms."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from aforo.gateway_sdk.artifact import Artifact
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Check, Connection, Gateway, Remember, SetupKit, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.manifest import Manifest
from aforo.gateway_sdk.pricing import Pricing
from aforo.gateway_sdk.provision import Provisioner
from aforo.gateway_sdk.registry import Entry
from aforo.gateway_sdk.tokens import EarnedToken
from aforo.gateway_sdk.usage import UsagePull
from aforo.integrations.consent import Consents
from aforo.integrations.consent.service import UnderWay
from aforo.integrations.directory import Directory
from aforo.integrations.errors import ConnectionNotTested, InUse, NameTaken, PartMissing, SettingsMissing
from aforo.integrations.listeners import Listeners
from aforo.integrations.model import Health, HealthPoint, Integration, TestResult, Uses
from aforo.integrations.opening import Opening, Reach
from aforo.integrations.rules import form, proof
from aforo.integrations.rules.pause import checked_pause
from aforo.integrations.sealing import Sealing
from aforo.integrations.sql import IntegrationStore
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, NotFound
from aforo.kit.ids import new_id
from aforo.kit.secretbox import SecretBox

InUseBy = Callable[[str, str], Awaitable[Uses]]
"""Given a tenant and an integration, what hangs on it."""


class Integrations:
    """The gateways that a tenant has connected."""

    def __init__(
        self,
        store: IntegrationStore,
        box: SecretBox,
        gateways: Mapping[str, Entry],
        reach: Reach,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sealing = Sealing(store, box)
        self._directory = Directory(gateways)
        self._reach = reach
        self._clock = clock
        self._opening = Opening(store, self._sealing, self._directory, reach, clock)

    @property
    def listeners(self) -> Listeners:
        """Who is told of what happens to integrations; add to its lists while the rooms are wired."""
        return self._opening.listeners

    def manifests(self) -> list[Manifest]:
        return self._directory.manifests()

    def manifest(self, integration: Integration) -> Manifest:
        return self._directory.entry(integration.gateway).manifest

    async def create(
        self,
        tenant_id: str,
        name: str,
        gateway: str,
        sign_in: str,
        values: Mapping[str, str],
        *,
        emulated: bool = False,
    ) -> Integration:
        """Store a connection, secrets sealed. It is not called yet, nor can it be used: `test` comes first.

        `emulated`: its emulator, which Aforo has started, may be called although it listens on this machine.
        """
        way = self._directory.sign_in(gateway, sign_in)
        clean = form.checked(way, values)
        name = form.checked_name(name)
        await self._refuse_taken_name(tenant_id, name)
        secrets, settings = form.split(way, clean)
        integration = Integration(
            id=new_id("int"),
            tenant_id=tenant_id,
            name=name,
            gateway=gateway,
            sign_in=sign_in,
            settings=settings,
            secret_hints=form.hints(way, secrets),
            facts={"external_id": str(uuid.uuid4())},
            emulated=emulated,
            revision=1,
            created_at=self._clock.now(),
        )
        await self._store.add(integration, self._sealing.seal(integration, secrets))
        await self.listeners.changed(tenant_id, integration.id)
        return integration

    async def change(
        self,
        tenant_id: str,
        integration_id: str,
        *,
        name: str | None = None,
        sign_in: str | None = None,
        values: Mapping[str, str] | None = None,
    ) -> Integration:
        """Change the name, the way to sign in, or single settings; what then is connected must be tested anew.

        A secret that is left out stays, unless what decides where it goes or who reads it changes: a stored secret
        never goes to a new place.
        """
        before = await self.get(tenant_id, integration_id)
        name = form.checked_name(name) if name is not None else before.name
        if name != before.name:
            await self._refuse_taken_name(tenant_id, name)
        after, secrets = self._with(replace(before, name=name), sign_in or before.sign_in, values or {})
        if secrets or (after.sign_in, after.settings) != (before.sign_in, before.settings):
            after = replace(after, revision=before.revision + 1)
        await self._store.replace(after, self._sealing.seal(after, secrets), was=before.revision)
        if after.revision != before.revision:
            await self._opening.gate(after).reset()
        await self.listeners.changed(tenant_id, integration_id)
        return await self.get(tenant_id, integration_id)

    async def all(self, tenant_id: str | None = None) -> list[Integration]:
        """By name; of every tenant, for the worker's own use, if none is named."""
        return [self._with_vitals(integration) for integration in await self._store.all(tenant_id)]

    async def labels(self, tenant_id: str) -> list[tuple[str, str, str]]:
        """Id, name and gateway of each, by name: a hundredth of the work of reading them whole."""
        return await self._store.labels(tenant_id)

    async def troubled(self, tenant_id: str) -> list[Integration]:
        """Those in ERROR or with a breaker that is not closed, by name: what every page tells of."""
        return [self._with_vitals(integration) for integration in await self._store.troubled(tenant_id)]

    async def get(self, tenant_id: str, integration_id: str) -> Integration:
        found = await self._store.get(tenant_id, integration_id)
        if found is None:
            raise NotFound(
                f"There is no integration {integration_id}.", next_step="List them: GET /api/v1/integrations."
            )
        return self._with_vitals(found)

    async def remove(self, tenant_id: str, integration_id: str, in_use_by: InUseBy, *, force: bool = False) -> None:
        """Forget a connection. Refused while something hangs on it, unless the caller says that it may be orphaned."""
        integration = await self.get(tenant_id, integration_id)
        used = await in_use_by(tenant_id, integration_id)
        if used and not force:
            raise _in_use(integration.name, used)
        self._opening.forget(integration_id)
        await self._store.remove(tenant_id, integration_id)
        await self.listeners.changed(tenant_id, integration_id)

    def is_complete(self, integration: Integration) -> bool:
        """Whether everything is given that a test needs; some of it may be known only after a set-up."""
        way = self._directory.sign_in(integration.gateway, integration.sign_in)
        return not form.missing(way, integration.settings, integration.secret_hints)

    async def test(self, tenant_id: str, integration_id: str) -> AsyncIterator[Check]:
        """Run the connection test, line by line; the outcome is stored as the integration's last test.

        Nothing is stored of a test whose settings were changed meanwhile.
        """
        integration = await self.get(tenant_id, integration_id)
        checks: list[Check] = []
        try:
            async with self._opened(integration, urgent=True, is_new=_is_new(integration)) as gateway:
                async for check in gateway.check():
                    checks.append(check)
                    yield check
        except (GatewayError, Conflict) as fault:
            check = Check("Connection", Verdict.FAILED, fault.detail, fault.next_step, fault.code)
            checks.append(check)
            yield check
        known = (await self.get(tenant_id, integration_id)).last_test
        result = proof.judged(known, integration.revision, tuple(checks), self._clock.now())
        await self._store.save_test(integration_id, result)

    async def tested(self, tenant_id: str, integration_id: str) -> TestResult:
        """Run the whole connection test. Raises Conflict if the settings were changed meanwhile."""
        async for _ in self.test(tenant_id, integration_id):
            pass
        integration = await self.get(tenant_id, integration_id)
        result = integration.last_test
        if result is None or result.revision != integration.revision:
            raise Conflict(
                f"The settings of {integration.name} were changed while they were tested.", next_step="Test again."
            )
        return result

    async def ping(self, tenant_id: str, integration_id: str) -> None:
        """One cheap call; the gate notes how it went. Raises what `open` does, and the GatewayError of the call."""
        async with self.open(tenant_id, integration_id) as gateway:
            await gateway.ping()

    async def check_health(self, tenant_id: str, integration_id: str) -> Health:
        """`ping`, and the health that came of it. No call is made where the connection may not be used."""
        with suppress(GatewayError, ConnectionNotTested):  # the gate has noted the one, a test must mend the other
            await self.ping(tenant_id, integration_id)
        return (await self.get(tenant_id, integration_id)).vitals.health

    async def renew_token(self, tenant_id: str, integration_id: str) -> datetime | None:
        """See that the access token of a consent is good for some minutes yet; when to look again.

        None for a sign-in without a provider. Raises ReconnectNeeded, SettingsMissing, SecretLost or GatewayError.
        """
        integration = await self.get(tenant_id, integration_id)
        way = self._directory.sign_in(integration.gateway, integration.sign_in)
        if way.provider is None:
            return None
        connection = await self._opening.connection(
            integration, self._remember(integration), urgent=False, is_new=False
        )
        try:
            held = connection.tokens
            if not isinstance(held, EarnedToken):
                return None
            await held.token()
            return self._clock.now() + timedelta(seconds=held.seconds_to_renewal())
        finally:
            await connection.transport.aclose()

    async def pause(self, tenant_id: str, integration_id: str, until: datetime, reason: str) -> Integration:
        """A maintenance pause: nothing is scheduled at this integration until then."""
        integration = await self.get(tenant_id, integration_id)
        pause = checked_pause(until, reason, self._clock.now())
        await self._store.save_pause(integration.id, pause)
        await self.listeners.changed(tenant_id, integration_id)
        return await self.get(tenant_id, integration_id)

    async def resume(self, tenant_id: str, integration_id: str) -> Integration:
        """End the pause, if there is one."""
        integration = await self.get(tenant_id, integration_id)
        await self._store.save_pause(integration.id, None)
        await self.listeners.changed(tenant_id, integration_id)
        return await self.get(tenant_id, integration_id)

    async def history(self, tenant_id: str, integration_id: str, *, hours: int = 24) -> list[HealthPoint]:
        await self.get(tenant_id, integration_id)
        return await self._store.history(integration_id, self._clock.now() - timedelta(hours=hours))

    async def setup(self, tenant_id: str, integration_id: str, variant: str) -> SetupKit:
        """What the operator sets up at the gateway before the connection can work."""
        integration = await self.get(tenant_id, integration_id)
        facts = {**self._reach.facts, **integration.facts}
        kit = self._directory.entry(integration.gateway).setup(integration.settings, facts, variant)
        if kit is None:
            raise NotFound(f"{integration.name} needs nothing to be set up first.")
        return kit

    @property
    def consents(self) -> Consents:
        return self._opening.consents

    async def start_consent(self, tenant_id: str, integration_id: str, actor_id: str) -> str:
        """Where this person consents; good for ten minutes. Raises ConsentNotPossible or GatewayError."""
        integration = await self.get(tenant_id, integration_id)
        way = self._directory.sign_in(integration.gateway, integration.sign_in)
        return await self.consents.start(integration, way, actor_id)

    async def take_consent(self, tenant_id: str, actor_id: str, state: str) -> tuple[Integration, UnderWay]:
        """What this person had begun. Raises UnknownState, and does so for whoever brings the same state again."""
        integration_id, under_way = await self.consents.taken(tenant_id, actor_id, state)
        return await self.get(tenant_id, integration_id), under_way

    async def finish_consent(
        self, integration: Integration, under_way: UnderWay, query: Mapping[str, str], who: str
    ) -> Integration:
        """Keep what the provider sent its answer for. A change of what is connected: it must be tested."""
        way = self._directory.sign_in(integration.gateway, integration.sign_in)
        await self.consents.finish(integration, way, under_way, query, who)
        await self._opening.gate(integration).reset()
        return await self.get(integration.tenant_id, integration.id)

    async def reset_breaker(self, tenant_id: str, integration_id: str) -> Integration:
        integration = await self.get(tenant_id, integration_id)
        await self._opening.gate(integration).reset()
        return await self.get(tenant_id, integration_id)

    def probe_at(self, integration: Integration) -> str | None:
        return self._opening.gate(integration).next_probe_at()

    def budget(self, integration: Integration) -> Budget:
        return self._opening.budget(integration)

    @asynccontextmanager
    async def open(self, tenant_id: str, integration_id: str, *, urgent: bool = False) -> AsyncIterator[Gateway]:
        """A connector for this integration, closed afterwards.

        Raises ConnectionNotTested until the settings have passed a test, SettingsMissing, SecretLost or GatewayError.
        """
        entry, connection = await self._usable(tenant_id, integration_id, urgent=urgent)
        async with _closing(entry.connect(connection)) as gateway:
            yield gateway

    @asynccontextmanager
    async def provisioner(
        self, tenant_id: str, integration_id: str, *, urgent: bool = False
    ) -> AsyncIterator[Provisioner]:
        """As `open`, for consumers, applications and keys. Raises PartMissing where the gateway has none."""
        entry, connection = await self._usable(tenant_id, integration_id, urgent=urgent, part="provisioner")
        async with _closing(entry.provisioner(connection)) as opened:
            yield opened

    @asynccontextmanager
    async def pricing(self, tenant_id: str, integration_id: str, *, urgent: bool = False) -> AsyncIterator[Pricing]:
        """As `open`, for plans at the gateway. Raises PartMissing where it can hold none."""
        entry, connection = await self._usable(tenant_id, integration_id, urgent=urgent, part="pricing")
        async with _closing(entry.pricing(connection)) as opened:
            yield opened

    @asynccontextmanager
    async def artifact(self, tenant_id: str, integration_id: str, *, urgent: bool = False) -> AsyncIterator[Artifact]:
        """As `open`, for what runs inside the gateway. Raises PartMissing where nothing can."""
        entry, connection = await self._usable(tenant_id, integration_id, urgent=urgent, part="artifact")
        async with _closing(entry.artifact(connection)) as opened:
            yield opened

    @asynccontextmanager
    async def usage(self, tenant_id: str, integration_id: str) -> AsyncIterator[UsagePull]:
        """As `open`, for the gateway's own usage figures. Raises PartMissing where Aforo reads none."""
        entry, connection = await self._usable(tenant_id, integration_id, urgent=False, part="usage")
        async with _closing(entry.usage(connection)) as opened:
            yield opened

    async def _usable(
        self, tenant_id: str, integration_id: str, *, urgent: bool, part: str = "connector"
    ) -> tuple[Entry, Connection]:
        integration = await self.get(tenant_id, integration_id)
        entry = self._directory.entry(integration.gateway)
        if not entry.has(part):
            raise PartMissing(f"{entry.manifest.name} has no {part}, so {integration.name} cannot do this.")
        if self.is_complete(integration) and not proof.may_be_used(integration):
            raise ConnectionNotTested(
                f"{integration.name} is not used, since {proof.in_the_way(integration)}",
                next_step=f"Test it: POST /api/v1/integrations/{integration.id}/test, or on the integration's page.",
            )
        remember = self._remember(integration)
        return entry, await self._opening.connection(integration, remember, urgent=urgent, is_new=False)

    @asynccontextmanager
    async def _opened(self, integration: Integration, *, urgent: bool, is_new: bool) -> AsyncIterator[Gateway]:
        """For the test itself, which needs no passed one."""
        remember = self._remember(integration)
        connection = await self._opening.connection(integration, remember, urgent=urgent, is_new=is_new)
        async with _closing(self._directory.entry(integration.gateway).connect(connection)) as gateway:
            yield gateway

    def _remember(self, integration: Integration) -> Remember:
        async def remember(field: str, value: str) -> None:
            """What a connector writes is its own doing: the connection stays as tested."""
            before = await self.get(integration.tenant_id, integration.id)
            after, secrets = self._with(before, before.sign_in, {field: value})
            await self._store.replace(after, self._sealing.seal(after, secrets), was=integration.revision)

        return remember

    def _with(self, before: Integration, sign_in: str, typed: Mapping[str, str]) -> tuple[Integration, dict[str, str]]:
        """The integration with other settings, and the secrets that were typed. Raises Invalid."""
        way = self._directory.sign_in(before.gateway, sign_in)
        same_way = way.key == before.sign_in
        moved = same_way and form.moves(way, before.settings, typed)
        kept = dict(before.secret_hints) if same_way and not moved else {}
        values = {**(before.settings if same_way else {}), **typed}
        clean = form.checked(way, values, kept=frozenset(kept), moved=moved)
        secrets, settings = form.split(way, clean)
        after = replace(
            before,
            sign_in=way.key,
            settings=settings,
            secret_hints={**kept, **form.hints(way, secrets)},
            emulated=before.emulated and same_way and not form.goes_elsewhere(way, before.settings, typed),
        )
        return after, secrets

    def _with_vitals(self, integration: Integration) -> Integration:
        gate = self._opening.known_gate(integration.id)
        return replace(integration, vitals=gate.vitals) if gate else integration

    async def _refuse_taken_name(self, tenant_id: str, name: str) -> None:
        if any(other.name == name for other in await self._store.all(tenant_id)):
            raise NameTaken(name)


class _Closes(Protocol):
    async def aclose(self) -> None: ...


_Part = TypeVar("_Part", bound=_Closes)


@asynccontextmanager
async def _closing(part: _Part) -> AsyncIterator[_Part]:
    try:
        yield part
    finally:
        await part.aclose()


def _is_new(integration: Integration) -> bool:
    """Never tested with complete settings: what was set up at the gateway may need some seconds to work."""
    last = integration.last_test
    return last is None or any(check.code == SettingsMissing.code for check in last.checks)


def _in_use(name: str, used: Uses) -> InUse:
    if not used.credentials and not used.artifacts:
        some = _some(used.products, 5)
        return InUse(
            f"{name} still has {_counted(len(used.products), 'imported product')}: {some}.",
            next_step="Remove the products first, or repeat with force=orphan to forget them too.",
        )
    has = [
        *([f"an artifact ({_some(used.artifacts, 5)})"] if used.artifacts else ()),
        *(
            [f"{_counted(len(used.credentials), 'live credential')} ({_some(used.credentials, 50)})"]
            if used.credentials
            else ()
        ),
        _counted(len(used.products), "imported product"),
    ]
    return InUse(
        f"{name} still has {', '.join(has[:-1])} and {has[-1]}.",
        next_step="Repeat with force=detach to take them from the gateway, or with force=orphan: "
        "they then go on working there, unwatched.",
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _some(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
