"""The sign-in form is sent by our own page, and leads to our own pages."""

from pathlib import Path

import httpx2
import pytest

from aforo.accounts import SESSION_COOKIE
from aforo.kit.pages import local_path
from tests.live import Aforo, aforo

OWN = "http://aforo.test"


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),
        ({"Origin": OWN}, True),
        ({"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://console.example"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://evil.example/aforo.test"}, False),
        ({"Origin": "http://["}, False),
        ({"Origin": "null"}, False),
        ({"Origin": OWN, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
async def test_no_foreign_page_signs_its_reader_in(tmp_path: Path, headers: dict[str, str], let_in: bool) -> None:
    async with aforo(tmp_path, public_url="https://console.example") as running:
        answer = await _sign_in(running, "/", headers)
        assert answer.status_code == (303 if let_in else 403)
        assert (SESSION_COOKIE in answer.cookies) == let_in
        assert let_in or "This form came from another site. Nobody was signed in." in answer.text


ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\x00/evil.example",
    "/\u2028/evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "//[",
    "",
)


async def test_neither_sign_in_nor_look_leads_to_another_site(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        for where in ELSEWHERE:
            chosen = await running.http.post("/look", data={"back": where, "theme": "dark"})
            entered = await _sign_in(running, where, {})
            assert (chosen.headers["location"], entered.headers["location"]) == ("/", "/"), repr(where)


@pytest.mark.parametrize("where", ["/", "/products?status=STALE&q=a%09b", "/jobs/job_1?back=/products", "/a//b"])
def test_a_path_of_ours_is_kept(where: str) -> None:
    assert local_path(where) == where


async def _sign_in(running: Aforo, where: str, headers: dict[str, str]) -> httpx2.Response:
    form = {"key": running.admin_key, "next": where}
    return await running.http.post("/sign-in", data=form, headers={"Accept": "text/html", **headers})
