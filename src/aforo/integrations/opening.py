"""From a stored integration to a connection: its secrets, its gate, its share of the vendor's call budget."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Remember
from aforo.gateway_sdk.transport import TlsSetup, Transport, new_http
from aforo.integrations.consent import Clients, Consents
from aforo.integrations.consent.store import ConsentStore
from aforo.integrations.directory import Directory
from aforo.integrations.errors import SettingsMissing
from aforo.integrations.gate import IntegrationGate
from aforo.integrations.listeners import Listeners
from aforo.integrations.model import Integration
from aforo.integrations.rules import form
from aforo.integrations.sealing import Sealing
from aforo.integrations.sql import IntegrationStore
from aforo.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Reach:
    """What this installation may call, and the facts of its own that gateways need, such as an AWS principal.

    `oauth` is what it is at OAuth2 providers, such as `google.client_id`; connectors never see that.
    """

    allow_private_targets: bool
    facts: Mapping[str, str]
    oauth: Mapping[str, str] = field(default_factory=dict, repr=False)


class Opening:
    """Keeps one gate for each integration and one budget for each that shares a vendor's limit, in this process."""

    def __init__(
        self,
        store: IntegrationStore,
        sealing: Sealing,
        directory: Directory,
        reach: Reach,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._directory = directory
        self._reach = reach
        self._clock = clock
        self.listeners = Listeners()
        self._gates: dict[str, IntegrationGate] = {}
        self._budgets: dict[tuple[str, ...], Budget] = {}
        self.consents = Consents(
            ConsentStore(store.db), sealing, Clients(reach.oauth), self._transport_to_provider, clock
        )

    async def connection(
        self, integration: Integration, remember: Remember, *, urgent: bool, is_new: bool
    ) -> Connection:
        """All that a part of the gateway needs to call it. Raises SettingsMissing or SecretLost."""
        secrets = await self._sealing.secrets(integration)
        way = self._directory.sign_in(integration.gateway, integration.sign_in)
        if lacking := form.missing(way, integration.settings, secrets):
            names = ", ".join(field.label for field in lacking)
            raise SettingsMissing(
                f"{integration.name} cannot be called yet: {names} is not given.",
                next_step=f"Add it with PATCH /api/v1/integrations/{integration.id}, or on the integration's page.",
            )
        values = {**integration.settings, **secrets}
        return Connection(
            integration_id=integration.id,
            sign_in=integration.sign_in,
            settings=values,
            transport=self._transport(integration, secrets, urgent=urgent),
            clock=self._clock,
            remember=remember,
            facts={**self._reach.facts, **integration.facts, "fresh_role": str(is_new).lower()},
            tokens=self.consents.tokens(integration, way, values),
        )

    def gate(self, integration: Integration) -> IntegrationGate:
        gate = self._gates.get(integration.id)
        if gate is None:
            gate = IntegrationGate(integration, self._store, self._clock, self.listeners)
            self._gates[integration.id] = gate
        gate.rename(integration)
        return gate

    def known_gate(self, integration_id: str) -> IntegrationGate | None:
        """The gate, if there has been a call in this process: it knows better than the record."""
        return self._gates.get(integration_id)

    def forget(self, integration_id: str) -> None:
        self._gates.pop(integration_id, None)

    def budget(self, integration: Integration) -> Budget:
        """The call budget, which a tenant's integrations with one account share where the vendor counts by account."""
        manifest = self._directory.entry(integration.gateway).manifest
        way = self._directory.sign_in(integration.gateway, integration.sign_in)
        shared = tuple(integration.settings.get(name, "") for name in manifest.limits_shared_by)
        account = (*form.addresses(way, integration.settings), *shared) if any(shared) else (integration.id,)
        key = (integration.tenant_id, integration.gateway, *account)
        if key not in self._budgets:
            self._budgets[key] = Budget(manifest.call_limits, self._clock)
        return self._budgets[key]

    def _transport(self, integration: Integration, secrets: Mapping[str, str], *, urgent: bool) -> Transport:
        values = {**integration.settings, **secrets}
        manifest = self._directory.entry(integration.gateway).manifest
        setup = TlsSetup(
            ca_bundle=values.get("ca_bundle"),
            client_cert=values.get("client_cert"),
            client_key=values.get("client_key"),
            proxy=values.get("proxy"),
        )
        emulator = ("127.0.0.1", manifest.emulator_port) if integration.emulated else None
        return Transport(
            new_http(allow_private=self._reach.allow_private_targets, setup=setup, exempt=emulator),
            gateway_name=manifest.name,
            budget=self.budget(integration),
            gate=self.gate(integration),
            secrets=tuple(secrets.values()),
            urgent=urgent,
        )

    def _transport_to_provider(self, integration: Integration, provider: str, secrets: Collection[str]) -> Transport:
        """The sign-in's outcome counts for the integration's health, but not against the gateway's call limits."""
        setup = TlsSetup(ca_bundle=integration.settings.get("ca_bundle"), proxy=integration.settings.get("proxy"))
        exempt = self.consents.clients.emulator
        return Transport(
            new_http(allow_private=self._reach.allow_private_targets, setup=setup, exempt=exempt),
            gateway_name=provider,
            budget=Budget((), self._clock),
            gate=self.gate(integration),
            secrets=[secret for secret in secrets if secret],
        )
