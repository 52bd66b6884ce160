"""Signing in by a company's account in a real browser: button, the provider's page, console, and out again."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from aforo.app.api import create
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms
from tests.accounts.oidc.provider import CLIENT, Provider, provider
from tests.console.test_browser_flow import Walk, browser, sign_in_path
from tests.console.test_oauth_flow import Later
from tests.live import migrated, serving

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.fixture
def at() -> Iterator[Provider]:
    with provider(time.time) as running:
        yield running


@pytest.fixture
def console(tmp_path: Path, at: Provider) -> Iterator[str]:
    """A served app whose people are the provider's; the administrator's sign-in link."""
    later = Later()
    with serving(later) as url:
        settings = Settings(
            data_dir=tmp_path / "var",
            public_url=url,
            oidc_issuer=at.url,
            oidc_client_id=CLIENT[0],
            oidc_client_secret=CLIENT[1],
            oidc_name="Acme ID",
            oidc_roles="api-owners=product",
        )
        migrated(settings.records_path)
        path = sign_in_path(settings)
        later.app = create(open_rooms(settings))
        yield f"{url}{path}"


def test_a_person_signs_in_with_the_companys_account_and_out_again(
    browser: Browser, console: str, at: Provider, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("AFORO_ARTIFACTS", tmp_path)) / "console"
    folder.mkdir(parents=True, exist_ok=True)
    home = console.split("/sign-in", maxsplit=1)[0]
    context = browser.new_context(reduced_motion="reduce")
    walk = Walk(context, folder)
    page = walk.page
    page.goto(f"{home}/products")
    walk.look("71-company-sign-in")
    walk.follow("Sign in with Acme ID")
    walk.press("Continue as Ada")
    walk.sees("Nobody has invited ada@acme.example to Aforo, and no group of yours may come in.")
    walk.look("72-company-refused")
    assert [fault for fault in walk.faults if "403" not in fault and "404" not in fault] == []  # they have no icon
    walk.faults.clear()
    at.person["groups"] = ["api-owners"]
    page.goto(f"{home}/sign-in?next=/settings/profile")
    walk.follow("Sign in with Acme ID")
    walk.press("Continue as Ada")
    walk.sees("You are Ada Lovelace, product of Default.")
    assert page.url == f"{home}/settings/profile"
    page.get_by_role("button", name="Ada Lovelace").click()
    walk.press("Sign out")
    walk.sees("You are signed out of Aforo.")
    walk.look("73-company-left")
    leave = page.get_by_role("link", name="Sign out at Acme ID too").get_attribute("href")
    assert leave == f"{at.url}/leave?{urlencode({'client_id': 'aforo', 'post_logout_redirect_uri': f'{home}/sign-in'})}"
    page.goto(console)
    page.goto(f"{home}/settings/sign-in")
    walk.sees("People sign in with Acme ID, or by password.")
    walk.sees(f"{home}/sign-in/oidc/callback")
    walk.look("74-settings-sign-in")
    page.goto(f"{home}/settings/users")
    walk.sees("company account")
    walk.look("75-people-linked")
    context.close()
    assert walk.faults == []
    assert walk.barriers == [], "\n".join(walk.barriers)
