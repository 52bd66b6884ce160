"""Turns a page's template and values into an answer. Rooms hand in their template folders; the shell is ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from aforo.app.web import chart, look, nav, words
from aforo.app.web.assets import Assets
from aforo.app.web.look import Look, look_of
from aforo.app.web.states import state
from aforo.kit.clock import Clock, SystemClock

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types aforo"
)
_HEADERS = {
    "content-security-policy": CSP,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "vary": "cookie",
}
_SHELL = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Visit:
    """What every template knows of the request, as `visit`. `now` is one moment for the whole page."""

    path: str
    query: str
    now: datetime
    look: Look
    person: Any = None
    csrf_token: str = ""
    request_id: str = ""
    counts: nav.Counts | None = None
    strips: Sequence[Mapping[str, Any]] = ()
    live: str = ""

    @property
    def address(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class Render:
    """`rooms` names each prefix and its template folder: `("catalog", Path(…))` makes `catalog/products.html` known.

    `navigation` holds the entries of pages that exist; the search field is left out while `search_address` is empty.
    """

    def __init__(
        self,
        rooms: Sequence[tuple[str, Path]] = (),
        *,
        navigation: Sequence[nav.Group] = (),
        search_address: str = "",
        assets: Assets | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.assets = assets or Assets()
        self._clock = clock or SystemClock()
        self._env = _environment([("shell", _SHELL), *rooms])
        self._env.globals |= {
            "asset": self.assets.path,
            "navigation": tuple(navigation),
            "search_address": search_address,
        }

    def page(self, name: str, request: Request, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The whole page as an answer with its headers. Session middleware leaves what it knows in `request.state`."""
        return HTMLResponse(self.text(name, self.visit(request), **values), status, _HEADERS)

    def text(self, name: str, visit: Visit, **values: Any) -> str:
        """The page as text; a value that a template misses is an error, not a blank."""
        return self._env.get_template(name).render(visit=visit, **values)

    def visit(self, request: Request) -> Visit:
        known: Mapping[str, Any] = request.scope.get("state", {})
        names = ("person", "csrf_token", "request_id", "counts", "strips", "live")
        return Visit(
            path=request.url.path,
            query=request.url.query,
            now=self._clock.now(),
            look=look_of(request.cookies),
            **{name: known[name] for name in names if name in known},
        )


def _environment(rooms: Sequence[tuple[str, Path]]) -> Environment:
    loader = PrefixLoader({prefix: FileSystemLoader(folder) for prefix, folder in rooms})
    env = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    env.filters |= _filters()
    env.globals |= {"state_of": state, "chart_of": chart, "nav_current": nav.current, "zones": look.ZONES}
    return env


def _filters() -> dict[str, Callable[..., Any]]:
    return {
        "number": words.number,
        "money": words.money,
        "percent": words.percent,
        "plural": words.plural,
        "pointer": words.label,
        "value": words.value,
        "id_safe": words.id_safe,
        "when": _when,
        "exact": _exact,
        "clock": _clock,
        "breakable": _breakable,
        "unknown": lambda thing: words.UNKNOWN if thing is None else thing,
    }


def _breakable(label: str) -> Markup:
    """Where a long name may break on the narrow rail; elsewhere this changes nothing."""
    head, tail = words.syllable(label)
    return Markup("{}<wbr>{}").format(head, tail) if tail else Markup("{}").format(head)


@pass_context
def _when(context: Context, moment: datetime | None) -> str | Markup:
    """`13 min ago` with the exact time next to it; the exact time alone beyond a day."""
    if moment is None:
        return words.UNKNOWN
    visit: Visit = context["visit"]
    relative = words.ago(moment, visit.now)
    if relative is None:
        return _exact(context, moment)
    inner = Markup('<span data-ago>{}</span> <span class="muted">({})</span>').format(
        relative, words.clock_time(moment, visit.look.tz, visit.now)
    )
    return _time(moment, inner)


@pass_context
def _exact(context: Context, moment: datetime | None, seconds: bool = True) -> str | Markup:
    """`22 Nov 2026, 14:05:12 UTC` in the page's zone."""
    if moment is None:
        return words.UNKNOWN
    visit: Visit = context["visit"]
    return _time(moment, words.exact(moment, visit.look.tz, seconds=seconds))


@pass_context
def _clock(context: Context, moment: datetime | None) -> str | Markup:
    """`14:09 UTC (in 4 min)`: where the moment itself matters first, as in "until"."""
    if moment is None:
        return words.UNKNOWN
    visit: Visit = context["visit"]
    short = words.clock_time(moment, visit.look.tz, visit.now)
    relative = words.ago(moment, visit.now)
    inner = Markup('{} <span class="muted">(<span data-ago>{}</span>)</span>').format(short, relative)
    return _time(moment, inner if relative else short)


def _time(moment: datetime, inner: str | Markup) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), inner)
