"""`/previews/{id}`: what would change in the record, for whom, for how much money; and the import of what is ticked."""

from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.catalog.model import SavedPreview, Status
from aforo.catalog.pages import window as windows
from aforo.catalog.pages.parts import Parts
from aforo.catalog.pages.selections import Selections, pickable
from aforo.catalog.pages.window import Window
from aforo.catalog.rules.guard import asks_for_count
from aforo.jobs import PAGE_PATIENCE_SECONDS, Job, JobState, Report, onward
from aforo.kit.jsontree import Json, JsonObject

_SKIPPED_SHOWN = 40


def add(pages: APIRouter, parts: Parts) -> None:
    desk = _Desk(parts)
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.post("/previews")
    async def read(session: writer, integration_id: Annotated[str, Form()]) -> Response:
        return await desk.read(session, integration_id)

    @pages.get("/previews/{preview_id}")
    async def show(request: Request, preview_id: str, session: reader) -> Response:
        saved = await parts.catalog.saved_preview(session.caller.tenant_id, preview_id)
        return await desk.page(request, session, saved, _window(str(request.url.query)))

    @pages.post("/previews/{preview_id}")
    async def act(request: Request, preview_id: str, session: writer) -> Response:
        saved = await parts.catalog.saved_preview(session.caller.tenant_id, preview_id)
        sent = await request.form()
        window = _window(str(sent.get("window", "")))
        ticked = frozenset(str(key) for key in sent.getlist("select"))
        asked, _, rest = str(sent.get("act", "filter")).partition(":")
        if asked == "confirm":
            count = str(sent.get("typed", sent.get("count", "")))
            return await desk.confirmed(request, session, saved, window, count)
        picked = desk.keep(session, saved, window, ticked, asked)
        here = f"/previews/{saved.id}"
        if asked == "again":
            return await desk.read(session, saved.integration_id, saved.id)
        if asked == "import":
            return await desk.import_(request, session, saved, window, picked)
        if asked == "go":
            return RedirectResponse(f"{here}?{_window(rest).query}", 303)
        if asked == "filter":
            window = Window(window.status, str(sent.get("q", "")))
        return RedirectResponse(f"{here}?{window.query}", 303)


class _Desk:
    """What the routes above have in common."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._selections = Selections()

    async def read(self, session: Session, integration_id: str, before_id: str = "") -> RedirectResponse:
        """Read the gateway and compare; the preview's page follows when that is done."""
        who, parts = session.caller, self._parts
        one = await parts.integrations.get(who.tenant_id, integration_id)

        async def work(report: Report) -> JsonObject:
            saved = await parts.catalog.preview(who.tenant_id, one.id, who.actor_id, report)
            if before_id:
                self._selections.carry(session.person.id, before_id, saved)
            return {"href": f"/previews/{saved.id}", "planId": saved.id}

        title = f"Read {one.name} and compare"
        job = await parts.jobs.follow(who.tenant_id, "preview", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)
        return onward(job, f"/integrations/{one.id}")

    def keep(
        self, session: Session, saved: SavedPreview, window: Window, ticked: frozenset[str], asked: str
    ) -> frozenset[str]:
        """Take over the boxes of the page that was sent; all others stay as they were."""
        can = pickable(saved)
        if asked == "all":
            chosen = frozenset(row.key for row in saved.preview.rows if row.status is Status.NEW)
        elif asked == "none":
            chosen = frozenset()
        else:
            seen = windows.on_page(windows.groups(saved.preview, window))
            chosen = (self._selections.of(session.person.id, saved) - seen) | (ticked & seen)
        return self._selections.keep(session.person.id, saved.id, chosen & can)

    async def import_(
        self, request: Request, session: Session, saved: SavedPreview, window: Window, picked: frozenset[str]
    ) -> Response:
        """At once where every ticked row stood on the page and none of the guard's doubts applies; else ask first."""
        if not picked:
            return await self.page(request, session, saved, window, told="Nothing is selected. Tick a row first.")
        seen = windows.on_page(windows.groups(saved.preview, window))
        if picked <= seen and not self._guarded(saved, picked):
            return await self._run(request, session, saved, window, picked)
        return await self._ask(request, session, saved, window, picked)

    async def confirmed(
        self, request: Request, session: Session, saved: SavedPreview, window: Window, count: str
    ) -> Response:
        picked = self._selections.of(session.person.id, saved)
        if count.strip().replace(",", "") != str(len(picked)):
            return await self._ask(request, session, saved, window, picked, f"Type {len(picked)} to import them")
        return await self._run(request, session, saved, window, picked)

    async def page(
        self,
        request: Request,
        session: Session,
        saved: SavedPreview,
        window: Window,
        *,
        status: int = 200,
        told: str = "",
        failed: JsonObject | None = None,
    ) -> Response:
        one = await self._parts.integrations.get(session.caller.tenant_id, saved.integration_id)
        picked = self._selections.of(session.person.id, saved)
        shown = windows.groups(saved.preview, window)
        may_write = session.caller.may(Scope.CONTROL_WRITE) and saved.state == "OPEN"
        return self._parts.render(
            "catalog/preview.html",
            request,
            status=status,
            saved=saved,
            one=one,
            product_word=self._parts.integrations.manifest(one).product_word,
            window=window,
            groups=_with_boxes(windows.drawn(shown, picked), may_write),
            pagers=_pagers(shown, window),
            unread=sum(group.total for group in shown if not group.rows),
            counts=saved.preview.summary(),
            may_write=may_write,
            told=told,
            failed=failed,
            done=_done(request),
            all_here=picked <= windows.on_page(shown),
            guarded=self._guarded(saved, picked),
            **_impact(saved, picked),
            **_left_out(saved),
        )

    async def _ask(
        self,
        request: Request,
        session: Session,
        saved: SavedPreview,
        window: Window,
        picked: frozenset[str],
        error: str = "",
    ) -> Response:
        del session
        one = await self._parts.integrations.get(request.state.person.tenant_id, saved.integration_id)
        return self._parts.render(
            "catalog/import.html",
            request,
            status=422 if error else 200,
            saved=saved,
            one=one,
            window=window,
            guarded=self._guarded(saved, picked),
            error=error,
            **_impact(saved, picked),
        )

    async def _run(
        self, request: Request, session: Session, saved: SavedPreview, window: Window, picked: frozenset[str]
    ) -> Response:
        who, parts = session.caller, self._parts

        async def work(report: Report) -> JsonObject:
            del report
            done = await parts.catalog.import_(who.tenant_id, saved.id, sorted(picked), who.actor_id)
            told: dict[str, Json] = {"created": len(done.created), "updated": len(done.updated)}
            await parts.accounts.note(who.tenant_id, who.actor_id, "products.import", saved.id, told)
            return {"href": f"/previews/{saved.id}?created={len(done.created)}&updated={len(done.updated)}"}

        title = f"Import {len(picked)} product{'' if len(picked) == 1 else 's'}"
        job = await parts.jobs.follow(who.tenant_id, "import", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)
        if job.state is JobState.FAILED and job.error:
            return await self.page(request, session, saved, window, status=_status(job), failed=job.error)
        return onward(job, f"/previews/{saved.id}")

    def _guarded(self, saved: SavedPreview, picked: frozenset[str]) -> bool:
        changed = [row.key for row in saved.preview.rows if row.status is Status.CHANGED]
        return asks_for_count(sum(1 for key in changed if key in picked), len(changed))


def _window(query: str) -> Window:
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    status = asked.get("status", "")
    starts = {one.value: _number(asked.get(f"from_{one.value.lower()}", "")) for one in Status}
    return Window(
        status if status in set(Status) else "",
        asked.get("q", "")[:200],
        {name: start for name, start in starts.items() if start},
        asked.get("show") == "unchanged",
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 8 else 0


def _pagers(shown: list[windows.Group], window: Window) -> list[dict[str, Any]]:
    """For each group that does not fit: which rows are shown, and the addresses of its neighbours."""
    return [
        {
            "status": group.status.value,
            "first": group.start + 1,
            "last": group.start + len(group.rows),
            "total": group.total,
            "newer": window.at(group.status, group.newer).query if group.newer is not None else None,
            "older": window.at(group.status, group.older).query if group.older is not None else None,
        }
        for group in shown
        if group.newer is not None or group.older is not None
    ]


def _with_boxes(groups: list[dict[str, Any]], may_write: bool) -> list[dict[str, Any]]:
    """Boxes only where they can be used; a group that is not wholly on the page does not count its ticks there."""
    for group in groups:
        if not may_write or len(group["rows"]) < group["count"]:
            group["pickable"] = False
        if not may_write:
            for row in group["rows"]:
                row["pickable"] = False
    return groups


def _impact(saved: SavedPreview, picked: frozenset[str]) -> dict[str, Any]:
    rows = [row for row in saved.preview.rows if row.key in picked]
    return {
        "impact": windows.impact(rows),
        "selected": len(rows),
        "adds": sum(1 for row in rows if row.status is Status.NEW),
        "changes": sum(1 for row in rows if row.status is Status.CHANGED),
    }


def _left_out(saved: SavedPreview) -> dict[str, Any]:
    """What was not compared on purpose, counted by reason, with the first few places."""
    every = [(row.name, skipped) for row in saved.preview.rows for skipped in row.difference.skipped]
    reasons: dict[str, int] = {}
    for _, skipped in every:
        reasons[skipped.why] = reasons.get(skipped.why, 0) + 1
    return {
        "skipped_reasons": [f"{count:,} {why}" for why, count in reasons.items()],
        "skipped": [f"{name}: {skipped.path}, {skipped.why}" for name, skipped in every[:_SKIPPED_SHOWN]],
        "skipped_total": len(every),
    }


def _done(request: Request) -> tuple[int, int] | None:
    asked = request.query_params
    if "created" not in asked:
        return None
    return _number(asked["created"]), _number(asked.get("updated", ""))


def _status(job: Job) -> int:
    status = (job.error or {}).get("status")
    return status if isinstance(status, int) else 500
