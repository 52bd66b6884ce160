"""What a person chose for the console's look: kept in cookies, so that the server renders it and nothing flashes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from aforo.kit.pages import local_path

THEMES = ("system", "light", "dark")
DENSITIES = ("comfortable", "compact")
ZONES = (
    "UTC",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
)
_YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Look:
    """Theme, density and time zone of one page. `zone` is an IANA name."""

    theme: str = "system"
    density: str = "comfortable"
    zone: str = "UTC"

    @property
    def tz(self) -> tzinfo:
        return UTC if self.zone == "UTC" else ZoneInfo(self.zone)


def look_of(cookies: Mapping[str, str]) -> Look:
    """Read the three cookies; anything unknown falls back to its default."""
    theme, density, zone = (cookies.get(f"aforo_{name}", "") for name in ("theme", "density", "zone"))
    return Look(
        theme if theme in THEMES else "system",
        density if density in DENSITIES else "comfortable",
        zone if _is_zone(zone) else "UTC",
    )


def routes() -> APIRouter:
    """POST /look: set what was sent, go back to where the person was."""
    router = APIRouter()

    @router.post("/look", include_in_schema=False)
    def choose(
        request: Request,
        back: Annotated[str, Form()] = "/",
        theme: Annotated[str | None, Form()] = None,
        density: Annotated[str | None, Form()] = None,
        zone: Annotated[str | None, Form()] = None,
    ) -> RedirectResponse:
        answer = RedirectResponse(local_path(back), status_code=303)
        chosen = {"theme": theme, "density": density, "zone": zone}
        for name, value in chosen.items():
            if value is not None and _is_known(name, value):
                secure = request.url.scheme == "https"
                answer.set_cookie(f"aforo_{name}", value, _YEAR_SECONDS, secure=secure, httponly=True, samesite="lax")
        return answer

    return router


def _is_known(name: str, value: str) -> bool:
    known = look_of({f"aforo_{name}": value})
    return value in (known.theme, known.density, known.zone)


def _is_zone(name: str) -> bool:
    if not name:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
