"""`/products`: what is sold through which gateway, and does it still match?"""

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session
from aforo.catalog.model import Impact, ProductRow
from aforo.catalog.pages.parts import Parts

_ROWS: Final = 50
_DRIFTED: Final = {"STALE": True, "MATCHING": False}


def add(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    @pages.get("/products")
    async def list_(
        request: Request,
        session: reader,
        q: str = "",
        integration: str = "",
        status: str = "",
        after: str = "",
        before: str = "",
    ) -> Response:
        tenant_id = session.caller.tenant_id
        every = await parts.integrations.all(tenant_id)
        counts = await parts.catalog.counts(tenant_id)
        page = await parts.catalog.page(
            tenant_id,
            integration_id=integration or None,
            words=q.strip() or None,
            drifted=_DRIFTED.get(status),
            after=after or None,
            before=before or None,
            limit=_ROWS,
        )
        names = {one.id: one for one in every}
        chosen = {"q": q.strip(), "integration": integration, "status": status if status in _DRIFTED else ""}
        gone = {row.id: episode.gone for row, episode in await parts.watch.drifting(tenant_id, 200)}
        touched = await parts.catalog.impact(tenant_id, [row.id for row in page.rows])
        return parts.render(
            "catalog/list.html",
            request,
            rows=[
                _row(row, names[row.integration_id], gone.get(row.id, False), touched.get(row.id, Impact()))
                for row in page.rows
            ],
            currency=next((one.currency for one in touched.values() if one.currency), ""),
            page=page,
            total=sum(count for count, _ in counts.values()),
            drifting=sum(drifting for _, drifting in counts.values()),
            integrations=every,
            chosen=chosen,
            chips=_chips(chosen, {one.id: one.name for one in every}),
            newer=_address(chosen, before=page.before) if page.before else "",
            older=_address(chosen, after=page.after) if page.after else "",
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )


def _row(row: ProductRow, integration: Any, gone: bool, impact: Impact) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "version": None if row.version and row.name.endswith(row.version) else row.version,
        "href": f"/products/{row.id}",
        "status": row.status.value,
        "gloss": "gone from gateway" if gone else "gateway differs" if row.drift_id else "",
        "integration": integration.name,
        "integration_href": f"/integrations/{integration.id}",
        "emulated": integration.emulated,
        "record": f"v{row.record_version}",
        "impact": impact,
        "checked": row.checked_at or row.updated_at,  # an import compares as well
    }


def _chips(chosen: dict[str, str], names: dict[str, str]) -> list[tuple[str, str]]:
    """Each filter in words, with the address without it."""
    words = {
        "q": f"Name has {chosen['q']}",
        "integration": f"Integration is {names.get(chosen['integration'], 'gone')}",
        "status": {"STALE": "Differs from its record", "MATCHING": "As recorded"}.get(chosen["status"], ""),
    }
    return [(words[name], _address({**chosen, name: ""})) for name, value in chosen.items() if value]


def _address(chosen: dict[str, str], **cursor: str) -> str:
    query = urlencode({name: value for name, value in {**chosen, **cursor}.items() if value})
    return f"/products?{query}" if query else "/products"
