"""No form of the console does anything without the session's own token."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from aforo.accounts import SESSION_COOKIE
from aforo.app.api import create
from tests.live import aforo

_OPEN = {"/look", "/sign-in", "/emulated/oauth/{path:path}"}
"""Sets cookies of taste only; the form by which a session begins; and a server that plays somebody else's."""


async def test_every_form_of_a_signed_in_person_is_refused_without_the_sessions_token(tmp_path: Path) -> None:
    async with aforo(tmp_path) as mine:
        app = create(mine.rooms)
        cookie = await mine.rooms.accounts.sign_in_with_key(mine.admin_key)
        forms = sorted({path for path in _posts(app.routes) if not path.startswith(("/api/", "/v1/"))} - _OPEN)
        assert len(forms) >= 8, forms
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://aforo.test", cookies={SESSION_COOKIE: cookie}
        ) as browser:
            told = {path: (await browser.post(path, data={"csrf_token": "forged"})).status_code for path in forms}
        assert {path for path, status in told.items() if status != 403} == set()
        assert await mine.rooms.accounts.session(cookie) is not None


def _posts(routes: Any) -> Iterator[str]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _posts(inner.routes)
        elif "POST" in (getattr(route, "methods", None) or ()):
            yield str(route.path)
