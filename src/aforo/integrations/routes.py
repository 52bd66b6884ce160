"""Integrations over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.gateway_sdk.contract import SetupKit
from aforo.gateway_sdk.manifest import FieldKind, FormField, Manifest, SignIn, SignInGroup
from aforo.integrations.consent import Clients
from aforo.integrations.model import BreakerState, Health, Integration
from aforo.integrations.service import Integrations, InUseBy
from aforo.integrations.trials import TestView, Trials, test_view
from aforo.jobs import SLOW, Jobs, Prefer
from aforo.kit.wire import Moment, Page, WireModel

Leaves = Callable[[str, str, str], Awaitable[None]]
"""Given a tenant, an integration and who asks: takes what works at the gateway from there, or raises."""


class NewIntegration(WireModel):
    """`settings` holds every field of the sign-in by name, secrets among them; those are sealed and never read back."""

    name: str
    gateway: str
    sign_in: str
    settings: dict[str, str] = Field(default_factory=dict)

    model_config = WireModel.model_config | {
        "json_schema_extra": {
            "examples": [
                {
                    "name": "kong-prod",
                    "gateway": "kong",
                    "signIn": "header_token",
                    "settings": {"admin_url": "https://kong.example:8444", "token": "…"},
                }
            ]
        }
    }


class IntegrationPatch(WireModel):
    """Only what is to change. Secrets that are left out stay as they are."""

    name: str | None = None
    sign_in: str | None = None
    settings: dict[str, str] | None = None


class PauseView(WireModel):
    """Nothing is scheduled until then."""

    until: Moment
    reason: str


class NewPause(WireModel):
    until: Moment
    reason: str


class IntegrationView(WireModel):
    id: str
    name: str
    gateway: str
    sign_in: str
    settings: dict[str, str]
    facts: dict[str, str]
    emulated: bool
    health: Health
    breaker: BreakerState
    created_at: Moment
    last_test: TestView | None
    pause: PauseView | None


class FieldView(WireModel):
    name: str
    label: str
    kind: FieldKind
    hint: str
    secret: bool
    required: bool
    later: bool
    default: str
    choices: list[str]


class SignInView(WireModel):
    key: str
    label: str
    group: SignInGroup
    recommended: bool
    consent_at: str | None
    unusable_because: str | None
    fields: list[FieldView]


class GatewayView(WireModel):
    key: str
    name: str
    sign_ins: list[SignInView]
    capabilities: dict[str, str]


class SetupView(WireModel):
    external_id: str
    filename: str
    template: str
    quick_create_link: str | None
    deploy_command: str
    notes: list[str]


def router(
    integrations: Integrations,
    accounts: Accounts,
    in_use_by: InUseBy,
    caller: CallerFor,
    jobs: Jobs | None = None,
    leaves: Leaves | None = None,
) -> APIRouter:
    """`/api/v1/integrations` and `/api/v1/gateways`. With `jobs`, none of them keeps a caller for over ten seconds.

    `leaves` takes from the gateway what would be orphaned; without it `force=detach` only looks whether anything is.
    """
    api = APIRouter(prefix="/api/v1", tags=["integrations"])
    trials = Trials(integrations, jobs)
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("/gateways", summary="The gateways that can be connected, with their connect forms")
    async def gateways(who: reader) -> Page[GatewayView]:
        del who
        return Page(data=[_gateway(manifest, integrations.consents.clients) for manifest in integrations.manifests()])

    @api.post("/integrations", status_code=201, summary="Connect a gateway and test the connection")
    async def create(new: NewIntegration, who: writer) -> IntegrationView:
        made = await integrations.create(who.tenant_id, new.name, new.gateway, new.sign_in, new.settings)
        detail = {"name": made.name, "gateway": made.gateway}
        await accounts.note(who.tenant_id, who.actor_id, "integration.create", made.id, detail)
        return _view(await trials.after_saving(made))

    @api.get("/integrations", summary="List integrations")
    async def all_(who: reader) -> Page[IntegrationView]:
        return Page(data=[_view(one) for one in await integrations.all(who.tenant_id)])

    @api.get("/integrations/{integration_id}", summary="One integration; secrets show their last four characters")
    async def show(integration_id: str, who: reader) -> IntegrationView:
        return _view(await integrations.get(who.tenant_id, integration_id))

    @api.patch("/integrations/{integration_id}", summary="Change name, sign-in or settings, and test what changed")
    async def change(integration_id: str, patch: IntegrationPatch, who: writer) -> IntegrationView:
        before = await integrations.get(who.tenant_id, integration_id)
        after = await integrations.change(
            who.tenant_id, integration_id, name=patch.name, sign_in=patch.sign_in, values=patch.settings
        )
        fields: dict[str, Any] = {"fields": sorted(patch.settings or {})}
        await accounts.note(who.tenant_id, who.actor_id, "integration.change", integration_id, fields)
        return _view(await trials.after_saving(after) if after.revision != before.revision else after)

    @api.delete("/integrations/{integration_id}", status_code=204, summary="Forget an integration")
    async def remove(
        integration_id: str, who: writer, force: Annotated[Literal["detach", "orphan"] | None, Query()] = None
    ) -> None:
        """`force=detach` detaches the artifact and revokes the credentials at the gateway first, and forgets the
        products; `force=orphan` leaves what is at the gateway as it is.
        """
        if force == "detach" and leaves:
            await integrations.get(who.tenant_id, integration_id)
            await leaves(who.tenant_id, integration_id, who.actor_id)
        await integrations.remove(who.tenant_id, integration_id, in_use_by, force=force is not None)
        await accounts.note(who.tenant_id, who.actor_id, "integration.remove", integration_id, {"force": force})

    @api.post(
        "/integrations/{integration_id}/test",
        response_model=TestView,
        responses=SLOW,
        summary="Test the connection with real calls",
    )
    async def test(integration_id: str, who: writer, prefer: Prefer = None) -> JSONResponse:
        one = await integrations.get(who.tenant_id, integration_id)
        return await trials.answered(who, one, prefer)

    @api.post("/integrations/{integration_id}/pause", summary="Schedule nothing here until a moment")
    async def pause(integration_id: str, given: NewPause, who: writer) -> IntegrationView:
        one = await integrations.pause(who.tenant_id, integration_id, given.until, given.reason)
        detail: dict[str, Any] = given.model_dump(mode="json", by_alias=True)
        await accounts.note(who.tenant_id, who.actor_id, "integration.pause", integration_id, detail)
        return _view(one)

    @api.post("/integrations/{integration_id}/resume", summary="End a maintenance pause")
    async def resume(integration_id: str, who: writer) -> IntegrationView:
        one = await integrations.resume(who.tenant_id, integration_id)
        await accounts.note(who.tenant_id, who.actor_id, "integration.resume", integration_id, {})
        return _view(one)

    @api.get("/integrations/{integration_id}/cloudformation", summary="The role template, and how to deploy it")
    async def cloudformation(
        integration_id: str, who: reader, variant: Annotated[Literal["read_only", "full"], Query()] = "full"
    ) -> SetupView:
        return _setup(await integrations.setup(who.tenant_id, integration_id, variant))

    return api


def _view(one: Integration) -> IntegrationView:
    return IntegrationView(
        id=one.id,
        name=one.name,
        gateway=one.gateway,
        sign_in=one.sign_in,
        settings={**one.settings, **one.secret_hints},
        facts=dict(one.facts),
        emulated=one.emulated,
        health=one.vitals.health,
        breaker=one.vitals.breaker.state,
        created_at=one.created_at,
        last_test=test_view(one.last_test) if one.last_test else None,
        pause=PauseView(until=one.pause.until, reason=one.pause.reason) if one.pause else None,
    )


def _setup(kit: SetupKit) -> SetupView:
    return SetupView(
        external_id=kit.external_id,
        filename=kit.document.filename,
        template=kit.document.text,
        quick_create_link=kit.link,
        deploy_command=kit.command,
        notes=list(kit.notes),
    )


def _gateway(manifest: Manifest, clients: Clients) -> GatewayView:
    return GatewayView(
        key=manifest.key,
        name=manifest.name,
        sign_ins=[_sign_in(way, clients) for way in manifest.sign_ins],
        capabilities={capability.value: support.level for capability, support in manifest.capabilities.items()},
    )


def _sign_in(way: SignIn, clients: Clients) -> SignInView:
    lack = clients.lack(way) if way.provider else None
    return SignInView(
        key=way.key,
        label=way.label,
        group=way.group,
        recommended=way.recommended,
        consent_at=way.provider.name if way.provider else None,
        unusable_because=str(lack) if lack else None,
        fields=[_field(field) for field in way.fields],
    )


def _field(field: FormField) -> FieldView:
    return FieldView(
        name=field.name,
        label=field.label,
        kind=field.kind,
        hint=field.hint,
        secret=field.secret,
        required=field.required,
        later=field.later,
        default=field.default,
        choices=[value for value, _ in field.choices],
    )
