"""Every part of the console in every state, on one page; for development only. All names and figures are invented."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from aforo.app.web.assets import Assets
from aforo.app.web.chart import Series
from aforo.app.web.render import Render
from aforo.app.web.states import STATES
from aforo.app.web.words import UNKNOWN

NOW = datetime(2026, 11, 22, 14, 5, 12, tzinfo=UTC)
_LONGEST = "payments-and-settlement-gateway-for-the-european-region-v2-stable"
_DAY = ["HEALTHY"] * 96


def routes(render: Render) -> APIRouter:
    """GET /styleguide, with /styleguide/question as the page behind its dialog."""
    router = APIRouter(include_in_schema=False)

    @router.get("/styleguide")
    def styleguide(request: Request) -> HTMLResponse:
        return render.page("shell/styleguide.html", request, **samples(render.assets))

    @router.get("/styleguide/question")
    def question(request: Request) -> HTMLResponse:
        return render.page("shell/styleguide_question.html", request)

    return router


def samples(assets: Assets) -> dict[str, Any]:
    """What the page shows, around one fixed moment."""
    return {
        "at": _moments(),
        "states": list(STATES),
        "icons": re.findall(r'<symbol id="([^"]+)"', assets.body("sprite.svg").decode()),
        "swatches": _swatches(assets.body("aforo.css").decode()),
        "integrations": _integrations(),
        "integration_columns": _integration_columns(),
        "events": _events(),
        "groups": _groups(),
        "diff_lines": _diff_lines(),
        "beats": _beats(),
        "episodes": _episodes(),
        "checks": _checks(),
        "calls": [
            Series("Acme", _curve(3100, 5)),
            Series("Blue Harbour", _curve(2100, 3), "2"),
            Series("Core", _curve(1400, 7), "3"),
            Series("Other (31)", _curve(700, 4), "other"),
        ],
        "decisions": [Series("ALLOW", _curve(4100, 5), "ok"), Series("DENY", _curve(420, 3), "bad")],
        "money": [
            Series("Revenue", _curve(40, 5), "money"),
            Series("Cost", [None if one is None else max(0.0, one * 1.4 - 8) for one in _curve(40, 5)], "2"),
        ],
        "money_columns": _money_columns(),
        "money_rows": _money_rows(),
        "kinds": _kinds(),
        "hours": [f"{hour:02}:00" for hour in range(24)],
        "unknown": UNKNOWN,
    }


def _moments() -> dict[str, datetime]:
    return {
        "now": NOW,
        "drift": NOW - timedelta(minutes=13),
        "read": NOW - timedelta(minutes=3),
        "probe": NOW + timedelta(minutes=4),
        "yesterday": NOW - timedelta(days=1),
        "last_week": NOW - timedelta(days=10),
    }


def _swatches(css: str) -> list[tuple[str, str, str]]:
    return re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", css)


def _integration_columns() -> list[dict[str, Any]]:
    return [
        {"key": "name", "label": "Name", "sort": "?sort=name"},
        {"key": "gateway", "label": "Gateway"},
        {"key": "health", "label": "Health", "kind": "badge", "sort": "?sort=-health", "sorted": "descending"},
        {"key": "breaker", "label": "Breaker", "kind": "badge"},
        {"key": "products", "label": "Products", "kind": "number"},
        {"key": "scanned", "label": "Last scan", "kind": "time"},
    ]


def _integrations() -> list[dict[str, Any]]:
    rows = [
        ("apigee-x", "Apigee", "ERROR", "OPEN", 214, 62, "Google withdrew consent at 12:02 UTC. Reconnect to go on."),
        ("aws-eu", "AWS", "DEGRADED", "CLOSED", 48, 15, "Throttled twice since 13:50 UTC, next check 14:10 UTC."),
        ("kong-prod", "Kong", "HEALTHY", "CLOSED", 128, 3, ""),
        (_LONGEST, "Kong", "HEALTHY", "HALF_OPEN", None, 4, ""),
    ]
    return [
        {
            "id": name,
            "name": name,
            "href": "#",
            "gateway": gateway,
            "health": health,
            "breaker": breaker,
            "products": products,
            "scanned": NOW - timedelta(minutes=minutes),
            "note": note,
            "picked": name == "aws-eu",
        }
        for name, gateway, health, breaker, products, minutes, note in rows
    ]


def _events() -> list[dict[str, Any]]:
    decisions = ("DENY", "ALLOW", "ALLOW", "DENY")
    return [
        {
            "href": "#",
            "time": f"14:05:{12 - index:02}.{481 - index * 90}",
            "customer": ("Acme", "Blue Harbour")[index % 2],
            "product": ("payments-v2", "search")[index % 2],
            "metric": "api_calls",
            "quantity": 1 + index * 12,
            "decision": decision,
            "key": "…x7Qa",
        }
        for index, decision in enumerate(decisions)
    ]


def _money_columns() -> list[dict[str, Any]]:
    amounts = [
        {"key": key, "label": f"{key.capitalize()}, EUR", "kind": "money"} for key in ("revenue", "cost", "margin")
    ]
    return [
        {"key": "name", "label": "Customer"},
        {"key": "calls", "label": "Calls", "kind": "number"},
        *amounts,
        {"key": "level", "label": "Level", "kind": "badge"},
        {"key": "enforcement", "label": "Enforcement, 7 days"},
    ]


def _money_rows() -> list[dict[str, Any]]:
    names = ("Acme", "310.00", "402.10", "-92.10", "L3"), (_LONGEST, "123456789012.34", "96.00", None, "NONE")
    return [
        {
            "href": "#",
            "name": name,
            "calls": 98073,
            "revenue": revenue,
            "cost": cost,
            "margin": margin,
            "level": level,
            "enforcement": "would have refused 1,204 calls",
            "note": "" if margin else "No cost rule covers 450,880 of these calls: their cost is not in it.",
        }
        for name, revenue, cost, margin, level in names
    ]


def _kinds() -> list[dict[str, Any]]:
    found = ("payments-v2", "payments-and-settlement", _LONGEST)
    hits = [{"name": name, "href": "#", "told": name if name == _LONGEST else "kong-prod"} for name in found]
    return [
        {"label": "Products", "icon": "box", "hits": hits, "more": True, "all_href": ""},
        {"label": "Customers", "icon": "people", "hits": hits[:1], "more": True, "all_href": "/customers"},
    ]


def _groups() -> list[dict[str, Any]]:
    fields = [
        _change("rate_limiting.minute", 600, 60, "90 % fewer calls, 41 subscriptions"),
        _change("routes[2].paths[0]", "/v2/refund", "/v2/refunds"),
        _change("key_auth.hide_credentials", True, None, secret=True),
    ]
    changed = [
        _row("payments-v2", "spec differs between gateway and Aforo", fields, 41, 57, "4120.00") | {"open": True},
        _row("search", "configuration differs", [_change("timeout", 60000, 30000)], 12, 12, "310.00")
        | {"picked": False},
        _row(_LONGEST, "", [_change("retries", 5, 3)], None, None, None) | {"picked": False},
    ]
    new = [_row(name, "", [], 0, 0, None) for name in ("translation-api v2", "geocoding", "invoices")]
    gone = [_row("legacy-refunds", "", [], 2, 3, "88.20") | {"picked": False, "pickable": False}]
    return [
        {"status": "CHANGED", "count": 3, "open": True, "rows": changed},
        {"status": "STALE", "count": 1, "open": True, "rows": gone, "pickable": False, "gloss": "gone from gateway"},
        {"status": "NEW", "count": 3, "open": True, "rows": new},
        {"status": "UNCHANGED", "count": 123, "open": False, "rows": [], "href": "#"},
    ]


def _row(
    name: str,
    reason: str,
    changes: list[dict[str, Any]],
    subscriptions: int | None,
    credentials: int | None,
    revenue: str | None,
) -> dict[str, Any]:
    return {
        "ref": name,
        "name": name,
        "version": None,
        "reason": reason,
        "changes": changes,
        "equal": 12 if changes else 0,
        "href": "#" if changes else "",
        "subscriptions": subscriptions,
        "credentials": credentials,
        "revenue": revenue,
        "picked": True,
    }


def _change(path: str, record: object, gateway: object, effect: str = "", *, secret: bool = False) -> dict[str, Any]:
    return {"path": path, "record": record, "gateway": gateway, "effect": effect, "secret": secret}


def _diff_lines() -> list[dict[str, Any]]:
    def equal(number: int, text: str) -> dict[str, Any]:
        return {"kind": "equal", "left_no": number, "right_no": number, "text": text}

    hidden = [equal(number, f"  field_{number}: unchanged") for number in range(5, 17)]
    return [
        equal(3, "rate_limiting:"),
        _changed(4, [("  minute: ", False), ("600", True)], [("  minute: ", False), ("60", True)]),
        {"kind": "fold", "words": "12 equal fields hidden.", "lines": hidden},
        _changed(17, [("  - /v2/", False), ("refund", True)], [("  - /v2/", False), ("refunds", True)]),
        _changed(18, None, [("  - /v2/chargebacks", True)]),
    ]


def _changed(number: int, left: list[tuple[str, bool]] | None, right: list[tuple[str, bool]] | None) -> dict[str, Any]:
    return {"kind": "change", "left_no": number, "left": left, "right_no": number, "right": right}


def _beats() -> list[str]:
    beats = [*_DAY]
    beats[30:33] = ["DEGRADED", "ERROR", "DEGRADED"]
    beats[60:66] = ["NONE"] * 6
    beats[88] = "DEGRADED"
    return beats


def _episodes() -> list[dict[str, Any]]:
    start = NOW - timedelta(hours=16, minutes=20)
    return [
        {
            "state": "ERROR",
            "start": start,
            "end": start + timedelta(minutes=41),
            "reason": "Three checks without an answer",
            "told": "e-mail, Slack",
        },
        {"state": "DEGRADED", "start": NOW - timedelta(minutes=80), "end": None, "reason": "Throttled", "told": ""},
    ]


def _checks() -> list[dict[str, str]]:
    fix = 'Give the token the role "admin" in Kong, then test again. Discover, preview and drift work without it.'
    return [
        {"label": "Address reached", "state": "passed", "fact": "41 ms"},
        {"label": "TLS certificate valid", "state": "passed", "fact": "until 1 Mar 2027"},
        {"label": "Token accepted", "state": "passed", "fact": "workspace default"},
        {"label": "May write", "state": "warned", "fact": "403 on PATCH /services", "fix": fix},
        {"label": "Clock agrees", "state": "running"},
        {"label": "First page of products", "state": "waiting"},
    ]


def _curve(level: int, wave: int) -> list[float | None]:
    """A day of hours with a hole at 13 and 14 o'clock, the same at every call."""
    shape = (2, 1, 1, 1, 2, 3, 5, 7, 9, 10, 10, 9, 9, 9, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2)
    hours = [float(level * part // 10 + (index * wave) % 7 * level // 40) for index, part in enumerate(shape)]
    return [None if index in (13, 14) else hour for index, hour in enumerate(hours)]
