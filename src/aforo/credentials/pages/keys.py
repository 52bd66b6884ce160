"""`/credentials`: does this access work at every gateway, and which keys are idle?"""

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session
from aforo.credentials.model import LIVE, CredentialState
from aforo.credentials.pages.parts import Held, Parts, held
from aforo.credentials.rules.places import VERBS, hint_of, last_used
from aforo.credentials.rules.standing import successor_of

_ROWS: Final = 30
_FILTERS: Final = {
    "": ("Live and suspended", (*LIVE, CredentialState.SUSPENDED)),
    **{one.value: (one.value, (one,)) for one in CredentialState},
}


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    @pages.get("/credentials")
    async def list_(
        request: Request, session: reader, subscription: str = "", state: str = "", cursor: str = ""
    ) -> Response:
        tenant_id = session.caller.tenant_id
        _, states = _FILTERS.get(state, _FILTERS[""])
        found, following = await parts.room.credentials.page(
            tenant_id, subscription_id=subscription or None, states=states, cursor=cursor or None, limit=_ROWS
        )
        return parts.render(
            "credentials/list.html",
            request,
            rows=[_row(one) for one in await held(parts, tenant_id, found)],
            filters=[(key, words, _address(subscription, key)) for key, (words, _) in _FILTERS.items()],
            state=state,
            subscription=subscription,
            first_page=_address(subscription, state),
            older=_address(subscription, state, following) if following else "",
            first=not cursor,
            integrations=(await parts.gateways(tenant_id)).values(),
            orphans=len(await parts.room.orphans.all(tenant_id)),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )

    @pages.get("/credentials/{credential_id}")
    async def show(request: Request, credential_id: str, session: reader) -> Response:
        return await page(parts, request, session, credential_id)


async def page(parts: Parts, request: Request, session: Session, credential_id: str, told: str = "") -> Response:
    """One credential's page; `told` is what its reader has to know first."""
    tenant_id = session.caller.tenant_id
    found = await parts.room.credentials.one(tenant_id, credential_id)
    known = (await held(parts, tenant_id, [found]))[0]
    return parts.render(
        "credentials/credential.html",
        request,
        **_row(known),
        told=told,
        successor=successor_of(known.one, known.siblings),
        unshown=[one.integration_id for one in found.places if one.sealed],
        gateways=await parts.gateways(tenant_id),
        verbs=VERBS[found.state],
        may_write=session.caller.may(Scope.CONTROL_WRITE),
    )


def _row(known: Held) -> dict[str, Any]:
    return {
        "held": known,
        "one": known.one,
        "hint": hint_of(known.one),
        "last_used": last_used(known.one),
        "href": f"/credentials/{known.one.id}",
    }


def _address(subscription: str, state: str, cursor: str = "") -> str:
    given = {"subscription": subscription, "state": state, "cursor": cursor}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"/credentials?{query}" if query else "/credentials"
