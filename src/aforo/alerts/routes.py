"""The room over HTTP: `/api/v1/alerts` and `/api/v1/alerts/channels`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.alerts.model import Kind
from aforo.alerts.room import AlertsRoom
from aforo.alerts.shapes import ChannelPatch, NewChannel, Replay
from aforo.alerts.views import (
    AddedChannelView,
    AlertView,
    ChannelView,
    DeliveryView,
    ToldAlertView,
    added_view,
    alert_view,
    channel_view,
    delivery_view,
    told_view,
)
from aforo.kit.wire import Page


def router(room: AlertsRoom, accounts: Accounts, base_url: str, caller: CallerFor) -> APIRouter:
    api = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
    _add_channels(api, room, accounts, caller)
    _add_alerts(api, room, accounts, base_url, caller)
    return api


def _add_channels(api: APIRouter, room: AlertsRoom, accounts: Accounts, caller: CallerFor) -> None:
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]
    channels = room.channels

    @api.get("/channels", summary="List channels by name")
    async def all_(who: reader) -> Page[ChannelView]:
        return Page(data=[channel_view(one) for one in await channels.all(who.tenant_id)])

    @api.post("/channels", status_code=201, summary="Add a channel; its address is write-only")
    async def add(new: NewChannel, who: writer) -> AddedChannelView:
        made = await channels.add(
            who.tenant_id,
            new.kind,
            new.name,
            new.url,
            secret=new.secret,
            kinds=new.kinds,
            min_severity=new.min_severity,
        )
        detail = {"name": made.channel.name, "kind": made.channel.kind.value}
        await accounts.note(who.tenant_id, who.actor_id, "channel.create", made.channel.id, detail)
        return added_view(made.channel, made.secret)

    @api.get("/channels/{channel_id}", summary="One channel")
    async def one(channel_id: str, who: reader) -> ChannelView:
        return channel_view(await channels.one(who.tenant_id, channel_id))

    @api.patch("/channels/{channel_id}", summary="Change a channel; a new address or secret ends a pause")
    async def change(channel_id: str, patch: ChannelPatch, who: writer) -> ChannelView:
        changed = await channels.change(
            who.tenant_id,
            channel_id,
            name=patch.name,
            url=patch.url,
            secret=patch.secret,
            kinds=patch.kinds,
            min_severity=patch.min_severity,
        )
        members = {"members": [*sorted(patch.model_fields_set)]}
        await accounts.note(who.tenant_id, who.actor_id, "channel.change", channel_id, members)
        return channel_view(changed)

    @api.delete("/channels/{channel_id}", status_code=204, summary="Remove a channel and forget its address")
    async def remove(channel_id: str, who: writer) -> None:
        known = await channels.remove(who.tenant_id, channel_id)
        await accounts.note(who.tenant_id, who.actor_id, "channel.remove", channel_id, {"name": known.name})

    @api.post("/channels/{channel_id}/test", summary="Send a test message now")
    async def test(channel_id: str, who: writer) -> DeliveryView:
        return delivery_view(await channels.test(who.tenant_id, channel_id))


def _add_alerts(api: APIRouter, room: AlertsRoom, accounts: Accounts, base_url: str, caller: CallerFor) -> None:
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("", summary="List alerts, newest first")
    async def page(
        who: reader,
        open_: Annotated[
            bool | None, Query(alias="open", description="those that hold, or those that are over")
        ] = None,
        kind: Kind | None = None,
        subject: Annotated[str | None, Query(description="the id of what it is about, such as a product's")] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Page[AlertView]:
        found, following = await room.alerts.page(
            who.tenant_id, holds=open_, kind=kind, subject=subject, cursor=cursor, limit=limit
        )
        return Page(data=[alert_view(one, base_url) for one in found], next_cursor=following)

    @api.get("/{alert_id}", summary="One alert: who was told, and how each delivery went")
    async def show(alert_id: str, who: reader) -> ToldAlertView:
        one = await room.alerts.one(who.tenant_id, alert_id)
        return told_view(one, await room.alerts.told(one), base_url)

    @api.post("/{alert_id}/replay", status_code=202, summary="Send one delivery once more, as a new one")
    async def replay(alert_id: str, wish: Replay, who: writer) -> DeliveryView:
        again = await room.alerts.replay(who.tenant_id, alert_id, wish.delivery_id)
        detail = {"delivery": wish.delivery_id, "again": again.id}
        await accounts.note(who.tenant_id, who.actor_id, "alert.replay", alert_id, detail)
        return delivery_view(again)
