"""`/alerts/channels`: where people are reached."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from aforo.accounts import Scope, Session
from aforo.alerts.model import Channel, ChannelKind, Delivery, DeliveryState, Kind, Severity
from aforo.alerts.pages.parts import Parts
from aforo.alerts.shapes import ChannelPatch, NewChannel
from aforo.kit.errors import AforoError, Conflict, Invalid

KINDS: Final = (
    (ChannelKind.EMAIL, "E-mail", "smtps://user:password@mail.example:465?from=aforo@example.com&to=ops@example.com"),
    (ChannelKind.SLACK, "Slack", "The incoming webhook's address, https://hooks.slack.com/services/…"),
    (ChannelKind.WEBHOOK, "Signed webhook", "An https:// address of yours; requests are signed as Standard Webhooks."),
    (ChannelKind.BROAD, "Another service", "Teams, Telegram, PagerDuty and more: a URL as apprise writes them."),
)
SEVERITIES: Final = (
    (Severity.INFO.value, "Everything"),
    (Severity.WARNING.value, "Warnings and critical"),
    (Severity.CRITICAL.value, "Critical only"),
)
_LABELS: Final = {kind: label for kind, label, _ in KINDS}


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/alerts/channels")
    async def list_(request: Request, session: reader) -> Response:
        found = await parts.room.channels.all(session.caller.tenant_id)
        rows = [_row(one, await parts.room.channels.latest(one.tenant_id, one.id)) for one in found]
        may_write = session.caller.may(Scope.CONTROL_WRITE)
        return parts.render("alerts/channels.html", request, rows=rows, may_write=may_write)

    @pages.get("/alerts/channels/new")
    async def new(request: Request, session: writer) -> Response:
        del session
        return _form(parts, request, None, {"kind": ChannelKind.EMAIL.value, "minSeverity": "INFO", "kinds": []}, {})

    @pages.post("/alerts/channels/new")
    async def create(request: Request, session: writer) -> Response:
        who, typed = session.caller, _typed(await request.form())
        try:
            wish = NewChannel.model_validate({**typed, "secret": typed["secret"] or None})
            made = await parts.room.channels.add(
                who.tenant_id,
                wish.kind,
                wish.name,
                wish.url,
                secret=wish.secret,
                kinds=wish.kinds,
                min_severity=wish.min_severity,
            )
        except (ValidationError, Invalid, Conflict) as fault:
            return _form(parts, request, None, typed, _faults(fault))
        detail = {"name": made.channel.name, "kind": made.channel.kind.value}
        await parts.note(who, "channel.create", made.channel.id, detail)
        if made.secret:
            return parts.render("alerts/channel_secret.html", request, one=made.channel, secret=made.secret)
        return RedirectResponse(f"/alerts/channels/{made.channel.id}", 303)

    _add_one(pages, parts)


def _add_one(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/alerts/channels/{channel_id}")
    async def edit(request: Request, channel_id: str, session: writer) -> Response:
        one = await parts.room.channels.one(session.caller.tenant_id, channel_id)
        latest = await parts.room.channels.latest(one.tenant_id, one.id)
        return _form(parts, request, one, _shown(one), {}, latest)

    @pages.post("/alerts/channels/{channel_id}")
    async def change(request: Request, channel_id: str, session: writer) -> Response:
        who = session.caller
        one = await parts.room.channels.one(who.tenant_id, channel_id)
        typed = _typed(await request.form())
        given = {name: value for name, value in typed.items() if name != "kind" and (value or name == "kinds")}
        try:
            wish = ChannelPatch.model_validate(given)
            await parts.room.channels.change(
                who.tenant_id,
                channel_id,
                name=wish.name,
                url=wish.url,
                secret=wish.secret,
                kinds=wish.kinds,
                min_severity=wish.min_severity,
            )
        except (ValidationError, Invalid, Conflict) as fault:
            return _form(parts, request, one, typed, _faults(fault))
        await parts.note(who, "channel.change", channel_id, {"members": sorted(given)})
        return RedirectResponse("/alerts/channels", 303)

    @pages.post("/alerts/channels/{channel_id}/test")
    async def test(channel_id: str, session: writer) -> Response:
        await parts.room.channels.test(session.caller.tenant_id, channel_id)
        return RedirectResponse(f"/alerts/channels/{channel_id}", 303)

    @pages.get("/alerts/channels/{channel_id}/remove")
    async def ask(request: Request, channel_id: str, session: writer) -> Response:
        one = await parts.room.channels.one(session.caller.tenant_id, channel_id)
        return parts.render("alerts/channel_remove.html", request, one=one, error="")

    @pages.post("/alerts/channels/{channel_id}/remove")
    async def remove(request: Request, channel_id: str, session: writer) -> Response:
        one = await parts.room.channels.one(session.caller.tenant_id, channel_id)
        reason = str((await request.form()).get("reason", "")).strip()
        if not reason:
            told = "Reason is required"
            return parts.render("alerts/channel_remove.html", request, status=422, one=one, error=told)
        await parts.room.channels.remove(session.caller.tenant_id, channel_id)
        await parts.note(session.caller, "channel.remove", channel_id, {"name": one.name, "reason": reason[:500]})
        return RedirectResponse("/alerts/channels", 303)


def _row(one: Channel, latest: Delivery | None) -> dict[str, Any]:
    return {
        "href": f"/alerts/channels/{one.id}",
        "one": one,
        "kind": _LABELS[one.kind],
        "hears": _hears(one),
        "latest": latest,
    }


def _hears(one: Channel) -> str:
    kinds = ", ".join(sorted(kind.value.replace("_", " ") for kind in one.kinds)) or "all kinds"
    return kinds if one.min_severity is Severity.INFO else f"{kinds}, {one.min_severity.value} and above"


def _form(
    parts: Parts,
    request: Request,
    one: Channel | None,
    typed: dict[str, Any],
    faults: dict[str, str],
    latest: Delivery | None = None,
) -> Response:
    return parts.render(
        "alerts/channel_form.html",
        request,
        status=422 if faults else 200,
        one=one,
        typed=typed,
        faults=faults,
        latest=latest,
        failed=latest is not None and latest.state is DeliveryState.FAILED,
        options=[{"value": kind.value, "label": label, "hint": hint} for kind, label, hint in KINDS],
        label=_LABELS[one.kind] if one else "",
        kinds=[(kind.value, kind.value.replace("_", " ").capitalize()) for kind in Kind],
        severities=SEVERITIES,
    )


def _typed(form: FormData) -> dict[str, Any]:
    words = {name: str(form.get(name, "")).strip() for name in ("kind", "name", "url", "secret", "minSeverity")}
    return {**words, "kinds": [str(one) for one in form.getlist("kinds")]}


def _shown(one: Channel) -> dict[str, Any]:
    return {"name": one.name, "minSeverity": one.min_severity.value, "kinds": sorted(one.kinds)}


def _faults(fault: AforoError | ValidationError) -> dict[str, str]:
    """One sentence for each field."""
    if isinstance(fault, ValidationError):
        return {str(one["loc"][0]) if one["loc"] else "": one["msg"] for one in fault.errors()}
    if isinstance(fault, Invalid) and fault.faults:
        return {
            pointer.removeprefix("/").partition("/")[0]: words[:1].upper() + words[1:]
            for pointer, words in fault.faults
        }
    return {"name": str(fault)}
