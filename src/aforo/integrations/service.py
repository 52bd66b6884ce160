"""Connect gateways, keep their secrets sealed, test them, and open them for the other rooms."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Check, Connection, Gateway, SetupKit, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.manifest import Manifest, SignIn
from aforo.gateway_sdk.registry import Entry
from aforo.gateway_sdk.transport import TlsSetup, Transport, new_http
from aforo.integrations.errors import InUse, SettingsMissing, UnknownGateway
from aforo.integrations.gate import IntegrationGate
from aforo.integrations.model import Health, HealthPoint, Integration, TestResult
from aforo.integrations.rules import form
from aforo.integrations.sql import IntegrationStore
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, NotFound
from aforo.kit.ids import new_id
from aforo.kit.secretbox import SecretBox

InUseBy = Callable[[str, str], Awaitable[list[str]]]
"""Given a tenant and an integration, the names of what would be lost with it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What this installation may call, and the facts of its own that gateways need, such as an AWS principal."""

    allow_private_targets: bool
    facts: Mapping[str, str]


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
        self._box = box
        self._gateways = gateways
        self._reach = reach
        self._clock = clock
        self._gates: dict[str, IntegrationGate] = {}
        self._budgets: dict[tuple[str, ...], Budget] = {}

    def manifests(self) -> list[Manifest]:
        return [entry.manifest for entry in self._gateways.values()]

    def manifest(self, integration: Integration) -> Manifest:
        return self._entry(integration.gateway).manifest

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
        """Store a connection, secrets sealed. It is not called yet: `test` does that."""
        way = self._sign_in(gateway, sign_in)
        clean = form.checked(way, values)
        name = form.checked_name(name)
        await self._refuse_taken_name(tenant_id, name)
        secrets, settings = _split(way, clean)
        integration = Integration(
            id=new_id("int"),
            tenant_id=tenant_id,
            name=name,
            gateway=gateway,
            sign_in=sign_in,
            settings=settings,
            secret_hints={field: _hint(value) for field, value in secrets.items()},
            facts={"external_id": str(uuid.uuid4())},
            emulated=emulated,
            revision=1,
            created_at=self._clock.now(),
        )
        await self._store.add(integration, self._seal(integration, secrets))
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
        """Change the name, the way to sign in, or single settings.

        A secret that is left out stays, unless an address changes: a stored secret never goes to a new place.
        """
        before = await self.get(tenant_id, integration_id)
        name = form.checked_name(name) if name is not None else before.name
        if name != before.name:
            await self._refuse_taken_name(tenant_id, name)
        way = self._sign_in(before.gateway, sign_in or before.sign_in)
        same_way = way.key == before.sign_in
        moves = form.moves(way, before.settings, values or {})
        kept = dict(before.secret_hints) if same_way and not moves else {}
        typed = {**(before.settings if same_way else {}), **(values or {})}
        clean = form.checked(way, typed, kept=frozenset(kept))
        secrets, settings = _split(way, clean)
        after = replace(
            before,
            name=name,
            sign_in=way.key,
            settings=settings,
            secret_hints={**kept, **{field: _hint(value) for field, value in secrets.items()}},
            revision=before.revision + 1,
        )
        await self._store.replace(after, self._seal(after, secrets))
        return after

    async def all(self, tenant_id: str) -> list[Integration]:
        return [self._with_vitals(integration) for integration in await self._store.all(tenant_id)]

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
            some = ", ".join(used[:5]) + (f" and {len(used) - 5} more" if len(used) > 5 else "")
            raise InUse(
                f"{integration.name} still has {len(used)} imported products: {some}.",
                next_step="Remove the products first, or repeat with force=orphan to forget them too.",
            )
        self._gates.pop(integration_id, None)
        await self._store.remove(tenant_id, integration_id)

    async def test(self, tenant_id: str, integration_id: str) -> AsyncIterator[Check]:
        """Run the connection test, line by line; the outcome is stored as the integration's last test."""
        checks: list[Check] = []
        try:
            async with self.open(tenant_id, integration_id, urgent=True, just_set_up=True) as gateway:
                async for check in gateway.check():
                    checks.append(check)
                    yield check
        except (GatewayError, Conflict) as fault:
            check = Check("Connection", Verdict.FAILED, fault.detail, fault.next_step, fault.code)
            checks.append(check)
            yield check
        await self._store.save_test(integration_id, TestResult(self._clock.now(), tuple(checks)))

    async def check_health(self, tenant_id: str, integration_id: str) -> Health:
        """One cheap call; the gate notes how it went."""
        try:
            async with self.open(tenant_id, integration_id) as gateway:
                await gateway.ping()
        except GatewayError:
            pass  # the gate has noted it
        return (await self.get(tenant_id, integration_id)).vitals.health

    async def history(self, tenant_id: str, integration_id: str, *, hours: int = 24) -> list[HealthPoint]:
        await self.get(tenant_id, integration_id)
        return await self._store.history(integration_id, self._clock.now() - timedelta(hours=hours))

    async def setup(self, tenant_id: str, integration_id: str, variant: str) -> SetupKit:
        """What the operator sets up at the gateway before the connection can work."""
        integration = await self.get(tenant_id, integration_id)
        facts = {**self._reach.facts, **integration.facts}
        kit = self._entry(integration.gateway).setup(integration.settings, facts, variant)
        if kit is None:
            raise NotFound(f"{integration.name} needs nothing to be set up first.")
        return kit

    async def reset_breaker(self, tenant_id: str, integration_id: str) -> Integration:
        integration = await self.get(tenant_id, integration_id)
        await self._gate(integration).reset()
        return await self.get(tenant_id, integration_id)

    def probe_at(self, integration: Integration) -> str | None:
        return self._gate(integration).next_probe_at()

    def budget(self, integration: Integration) -> Budget:
        """The call budget, which integrations with the same account share where the vendor counts by account."""
        manifest = self.manifest(integration)
        shared = tuple(integration.settings.get(name, "") for name in manifest.limits_shared_by)
        key = (integration.gateway, *shared) if any(shared) else (integration.gateway, integration.id)
        if key not in self._budgets:
            self._budgets[key] = Budget(manifest.call_limits, self._clock)
        return self._budgets[key]

    @asynccontextmanager
    async def open(
        self, tenant_id: str, integration_id: str, *, urgent: bool = False, just_set_up: bool = False
    ) -> AsyncIterator[Gateway]:
        """A connector for this integration, closed afterwards. Raises SettingsMissing, SecretLost or GatewayError."""
        integration = await self.get(tenant_id, integration_id)
        secrets = await self._unseal(integration)
        way = self._sign_in(integration.gateway, integration.sign_in)
        if lacking := form.missing(way, integration.settings, secrets):
            names = ", ".join(field.label for field in lacking)
            raise SettingsMissing(
                f"{integration.name} cannot be called yet: {names} is not given.",
                next_step=f"Add it with PATCH /api/v1/integrations/{integration.id}, or on the integration's page.",
            )
        gateway = self._connect(integration, secrets, urgent=urgent, is_new=just_set_up and _is_new(integration))
        try:
            yield gateway
        finally:
            await gateway.aclose()

    def _connect(self, integration: Integration, secrets: Mapping[str, str], *, urgent: bool, is_new: bool) -> Gateway:
        values = {**integration.settings, **secrets}
        entry = self._entry(integration.gateway)
        setup = TlsSetup(
            ca_bundle=values.get("ca_bundle"),
            client_cert=values.get("client_cert"),
            client_key=values.get("client_key"),
            proxy=values.get("proxy"),
        )
        private_too = self._reach.allow_private_targets or integration.emulated
        transport = Transport(
            new_http(allow_private=private_too, setup=setup),
            gateway_name=entry.manifest.name,
            budget=self.budget(integration),
            gate=self._gate(integration),
            secrets=tuple(secrets.values()),
            urgent=urgent,
        )

        async def remember(field: str, value: str) -> None:
            await self.change(integration.tenant_id, integration.id, values={field: value})

        return entry.connect(
            Connection(
                integration_id=integration.id,
                sign_in=integration.sign_in,
                settings=values,
                transport=transport,
                clock=self._clock,
                remember=remember,
                facts={**self._reach.facts, **integration.facts, "fresh_role": str(is_new).lower()},
            )
        )

    def _gate(self, integration: Integration) -> IntegrationGate:
        gate = self._gates.get(integration.id)
        if gate is None:
            gate = IntegrationGate(integration.id, integration.name, integration.vitals, self._store, self._clock)
            self._gates[integration.id] = gate
        return gate

    def _with_vitals(self, integration: Integration) -> Integration:
        gate = self._gates.get(integration.id)
        return replace(integration, vitals=gate.vitals) if gate else integration

    def _entry(self, gateway: str) -> Entry:
        entry = self._gateways.get(gateway)
        if entry is None:
            known = ", ".join(sorted(self._gateways))
            raise UnknownGateway(
                f"There is no gateway {gateway!r}.", (("/gateway", f"must be one of {known}"),), next_step="Choose one."
            )
        return entry

    def _sign_in(self, gateway: str, key: str) -> SignIn:
        manifest = self._entry(gateway).manifest
        way = manifest.sign_in(key)
        if way is None:
            known = ", ".join(way.key for way in manifest.sign_ins)
            raise UnknownGateway(
                f"{manifest.name} has no sign-in {key!r}.",
                (("/signIn", f"must be one of {known}"),),
                next_step="Choose one of them.",
            )
        return way

    async def _refuse_taken_name(self, tenant_id: str, name: str) -> None:
        if any(other.name == name for other in await self._store.all(tenant_id)):
            raise Conflict(f"There is an integration named {name} already.", next_step="Choose another name.")

    def _seal(self, integration: Integration, secrets: Mapping[str, str]) -> dict[str, bytes]:
        return {
            field: self._box.seal(value.encode(), tenant_id=integration.tenant_id, owner_id=integration.id, field=field)
            for field, value in secrets.items()
        }

    async def _unseal(self, integration: Integration) -> dict[str, str]:
        sealed = await self._store.sealed(integration.id)
        return {
            field: self._box.open(blob, tenant_id=integration.tenant_id, owner_id=integration.id, field=field).decode()
            for field, blob in sealed.items()
            if field in integration.secret_hints
        }


def _is_new(integration: Integration) -> bool:
    """Never tested with complete settings: what was set up at the gateway may need some seconds to work."""
    last = integration.last_test
    return last is None or any(check.code == SettingsMissing.code for check in last.checks)


def _split(way: SignIn, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Secrets apart from settings."""
    secret = {field.name for field in way.fields if field.secret}
    return (
        {name: value for name, value in values.items() if name in secret},
        {name: value for name, value in values.items() if name not in secret},
    )


def _hint(secret: str) -> str:
    return f"••••{secret[-4:]}" if len(secret) >= 12 else "••••"
