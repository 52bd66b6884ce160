"""The main job as a person does it in a real browser, and what each page looks like on the way."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from shutil import which
from typing import Any

import boto3
import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright
from pydantic import SecretStr

from aforo.app.api import create
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms
from aforo.gateway_sdk.emulator import Fault
from aforo.gateways.aws.emulator.identity import AFORO_ARN, AFORO_KEY
from tests.console.accessibility import barriers
from tests.live import Emulated, emulated, migrated, serving

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


class Walk:
    """One person in one window: notes every fault of a page, and keeps a picture of it in two widths."""

    def __init__(self, context: BrowserContext, folder: Path) -> None:
        self.faults: list[str] = []
        self.barriers: list[str] = []
        self._folder = folder
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def look(self, name: str) -> None:
        """Nothing may scroll sideways or keep somebody out; pictures at 390 px light and 1280 px dark."""
        for width, height, scheme in ((390, 844, "light"), (1280, 800, "dark")):
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            self.page.screenshot(path=self._folder / f"{name}-{width}-{scheme}.png", full_page=True)
            assert over <= 0, f"{name} scrolls {over} px sideways at {width} px"
            self.barriers += [f"{name}, {scheme}: {barrier}" for barrier in barriers(self.page)]

    def through(self, way: Locator) -> None:
        """Press what leads to another page, and be there."""
        with self.page.expect_navigation():
            way.click()

    def press(self, name: str) -> None:
        self.through(self.page.get_by_role("button", name=name, exact=True).first)

    def follow(self, name: str) -> None:
        self.through(self.page.get_by_role("link", name=name, exact=True).first)

    def go(self, entry: str) -> None:
        """By the sidebar, whose entries may carry a count."""
        self.through(self.page.locator(".side").get_by_role("link", name=entry))

    def open_first(self) -> None:
        """The first product of the list."""
        self.through(self.page.locator("#products tbody th a").first)

    def import_all(self, kong: Emulated, count: int) -> None:
        """Connect a Kong and import its products, through the wizard."""
        self.go("Integrations")
        self.follow("+ New Integration")
        self.page.get_by_role("radio", name="Kong Gateway").check()
        self.press("Continue to sign-in")
        self.page.get_by_role("radio", name="Admin API without sign-in").check()
        self.press("Continue with this sign-in")
        self.page.get_by_label("Name", exact=True).fill("kong-prod")
        self.page.get_by_label("Admin API address").fill(kong.url)
        self.press("Save and test")
        self.press("Preview changes")
        self.press(f"Import {count} products")

    def sees(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()


@pytest.fixture
def walk(browser: Browser, tmp_path: Path) -> Iterator[Walk]:
    folder = Path(os.environ.get("AFORO_ARTIFACTS", tmp_path)) / "console"
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(reduced_motion="reduce")
    walking = Walk(context, folder)
    yield walking
    context.close()
    assert walking.barriers == [], "\n".join(walking.barriers)


def sign_in_path(settings: Settings) -> str:
    """A prepared data folder's link for its administrator, without the host."""
    rooms = open_rooms(settings)

    async def link() -> str:
        await rooms.accounts.ensure_first()
        token = await rooms.accounts.sign_in_token((await rooms.accounts.tenants())[0].id)
        await rooms.db.aclose()
        return f"/sign-in/{token}"

    with ThreadPoolExecutor(1) as beside:  # Playwright keeps an event loop in this thread
        return beside.submit(lambda: asyncio.run(link())).result()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[str]:
    """A served app; the sign-in link."""
    settings = Settings(
        data_dir=tmp_path / "var",
        aws_principal_arn=AFORO_ARN,
        aws_access_key_id=AFORO_KEY[0],
        aws_secret_access_key=SecretStr(AFORO_KEY[1]),
        development=True,
    )
    migrated(settings.records_path)
    path = sign_in_path(settings)
    with serving(create(open_rooms(settings))) as url:
        yield url + path


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_person_connects_kong_imports_notices_an_edit_and_puts_it_back(
    walk: Walk, console: str, running: ExitStack
) -> None:
    kong: Emulated = running.enter_context(emulated("kong"))
    page = walk.page
    page.goto(console)
    walk.sees("No gateway is connected yet.")
    walk.look("01-overview-empty")
    walk.go("Integrations")
    walk.sees("No gateway yet.")
    walk.look("02-integrations-empty")
    walk.follow("+ New Integration")
    walk.look("03-wizard-gateway")
    page.get_by_role("radio", name="Kong Gateway").check()
    walk.press("Continue to sign-in")
    walk.look("04-wizard-sign-in")
    page.get_by_role("radio", name="Admin API without sign-in").check()
    walk.press("Continue with this sign-in")
    page.get_by_label("Name", exact=True).fill("kong-prod")
    page.get_by_label("Admin API address").fill("kong.example")
    page.locator("form[action='/integrations/new']").evaluate("form => { form.noValidate = true }")
    walk.press("Save and test")
    walk.sees("1 field needs another look")
    walk.look("05-wizard-error")
    assert [fault for fault in walk.faults if "422" not in fault] == []
    walk.faults.clear()
    page.get_by_label("Admin API address").fill(kong.url)
    walk.press("Save and test")
    walk.sees("The connection works")
    walk.look("06-wizard-test")
    walk.press("Preview changes")
    walk.sees("Import would add 12 products")
    walk.look("07-preview-new")
    boxes = page.get_by_role("checkbox")
    for box in boxes.all()[4:]:
        box.uncheck()
    walk.press("Import 4 products")
    walk.sees("4 products imported.")
    walk.look("08-imported")
    walk.follow("See the products")
    walk.look("09-products")
    name = str(page.locator("#products tbody th a").first.text_content())
    body = {"read_timeout": 1234, "retries": 2}
    assert httpx2.patch(f"{kong.url}/services/{name}", json=body, trust_env=False).status_code == 200
    walk.open_first()
    walk.look("10-product")
    walk.press("Check now")
    page.locator("[data-component=DriftAlertBanner]").wait_for()
    walk.look("11-product-drift")
    walk.follow("Side by side")
    walk.sees("2 fields differ between record and kong-prod.")
    walk.look("12-compare")
    walk.go("Overview")
    walk.sees("1 thing needs you")
    walk.look("13-overview-drift")
    walk.go("Products")
    walk.look("14-products-drift")
    walk.open_first()
    walk.follow("Restore to Gateway…")
    walk.look("15-restore")
    walk.press("Restore to Gateway: 1 write")
    walk.sees("1 write made at kong-prod and read back.")
    walk.look("16-restored")
    walk.follow("Back to the product")
    walk.sees("It stands at kong-prod as recorded.")
    assert page.locator("[data-component=DriftAlertBanner]").count() == 0
    walk.look("17-product-restored")
    _look_at_the_gateway(walk, kong, name)
    assert walk.faults == []


def _look_at_the_gateway(walk: Walk, kong: Emulated, name: str) -> None:
    """The integration's own page, a preview with every kind of row, accept, and the questions."""
    page = walk.page
    assert httpx2.patch(f"{kong.url}/services/{name}", json={"retries": 1}, trust_env=False).status_code == 200
    walk.go("Integrations")
    walk.look("18-integrations")
    walk.follow("kong-prod")
    walk.look("19-integration")
    walk.press("Preview changes")
    walk.sees("Import would add 8 products")
    page.locator(".plan li > details > summary").first.click()
    walk.look("20-preview-mixed")
    walk.go("Products")
    walk.open_first()
    walk.follow("Accept gateway's version…")
    walk.look("21-accept")
    walk.press("Accept 1 field")
    walk.sees("It stands at kong-prod as recorded.")
    walk.follow("All versions")
    walk.look("22-versions")
    walk.go("Integrations")
    walk.follow("kong-prod")
    walk.follow("Change")
    walk.look("23-settings")
    kong.board.faults.append(Fault(503, times=99))
    walk.press("Save and test")
    walk.sees("1 check failed")
    walk.look("24-test-failed")
    walk.follow("To the integration")
    walk.look("25-integration-failing")


def test_a_person_connects_aws_with_an_access_key_and_restores_an_edit(
    walk: Walk, console: str, running: ExitStack
) -> None:
    aws: Emulated = running.enter_context(emulated("aws"))
    page = walk.page
    page.goto(console)
    walk.follow("+ New Integration")
    page.get_by_role("radio", name="AWS API Gateway").check()
    walk.press("Continue to sign-in")
    walk.sees("AWS role (recommended)")
    walk.look("31-aws-sign-in")
    page.get_by_role("radio", name="Access key").check()
    walk.press("Continue with this sign-in")
    page.get_by_text("Seldom needed").click()
    page.get_by_label("Name", exact=True).fill("aws-eu")
    for label, field in (
        ("Access key ID", "access_key_id"),
        ("Secret access key", "secret_access_key"),
        ("Region", "region"),
        ("Endpoint", "endpoint_url"),
    ):
        page.get_by_label(label).fill(aws.settings[field])
    walk.look("32-aws-form")
    walk.press("Save and test")
    walk.sees("The connection works")
    walk.look("33-aws-test")
    walk.press("Preview changes")
    walk.sees("Import would add 12 products")
    walk.look("34-aws-preview")
    walk.press("Import 12 products")
    walk.sees("12 products imported.")
    walk.follow("See the products")
    _edit_every_stage(aws)
    walk.open_first()
    walk.press("Check now")
    page.locator("[data-component=DriftAlertBanner]").wait_for()
    walk.look("35-aws-drift")
    walk.follow("Restore to Gateway…")
    walk.look("36-aws-restore")
    walk.through(page.get_by_role("button", name="Restore to Gateway:"))
    walk.sees("made at aws-eu and read back.")
    assert walk.faults == []


def test_a_person_deploys_the_role_that_aforo_asks_for_and_imports_through_it(
    walk: Walk, console: str, running: ExitStack
) -> None:
    aws: Emulated = running.enter_context(emulated("aws", 4))
    page = walk.page
    page.goto(console)
    page.goto(f"{console.split('/sign-in', maxsplit=1)[0]}/integrations/new?gateway=aws&sign_in=aws_role")
    page.get_by_label("Region").fill(aws.settings["region"])
    page.get_by_text("Seldom needed").click()
    page.get_by_label("Endpoint").fill(aws.url)
    walk.press("Save and test")
    walk.sees("Two steps are left")
    walk.look("41-aws-setup")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    template = started.value.path().read_text()
    walk.follow("Read only")
    walk.sees("Restore is refused by AWS.")
    walk.follow("Finish later")
    walk.sees("The connection is not complete.")
    walk.look("42-incomplete")
    page.go_back()
    page.get_by_label("Role ARN").fill(_deploy(aws, template))
    walk.press("Save and test")
    walk.sees("a missing and a wrong one are refused")
    walk.sees("The connection works")
    walk.look("43-aws-role-tested")
    walk.press("Preview changes")
    walk.sees("Import would add 4 products")
    walk.press("Import 4 products")
    walk.sees("4 products imported.")
    assert walk.faults == []


def test_the_pages_beside_the_main_job_keep_nobody_out(walk: Walk, console: str) -> None:
    page, home = walk.page, console.split("/sign-in", maxsplit=1)[0]
    page.goto(f"{home}/sign-in")
    walk.look("51-sign-in")
    page.goto(f"{home}/sign-in/not-a-link")
    walk.sees("This sign-in link was used already")
    walk.look("52-sign-in-refused")
    page.goto(console)
    page.goto(f"{home}/products/prod_nobody")
    walk.sees("Not found")
    walk.look("53-not-found")
    page.goto(f"{home}/products")
    walk.look("54-products-empty")
    page.goto(f"{home}/styleguide")
    for details in page.locator("details").all():
        details.evaluate("part => { part.open = true }")
    walk.look("55-styleguide")
    assert [fault for fault in walk.faults if "401" not in fault and "404" not in fault] == []


def test_a_barrier_would_be_noticed(walk: Walk, console: str) -> None:
    walk.page.goto(console)
    walk.page.locator("main").evaluate("main => main.append(document.createElement('input'))")
    assert ["Form elements must have labels" in barrier for barrier in barriers(walk.page)] == [True]


def _deploy(aws: Emulated, template: str) -> str:
    """As the account's administrator does with the file; the role's ARN."""
    settings = aws.settings
    session = boto3.Session(settings["access_key_id"], settings["secret_access_key"], region_name=settings["region"])
    stacks: Any = session.client("cloudformation", endpoint_url=aws.url)
    stacks.create_stack(StackName="aforo", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    outputs = stacks.describe_stacks(StackName="aforo")["Stacks"][0]["Outputs"]
    return str(next(output["OutputValue"] for output in outputs if output["OutputKey"] == "RoleArn"))


def _edit_every_stage(aws: Emulated) -> None:
    """Somebody describes every stage anew."""
    settings = aws.settings
    session = boto3.Session(settings["access_key_id"], settings["secret_access_key"], region_name=settings["region"])
    rest: Any = session.client("apigateway", endpoint_url=aws.url)
    http: Any = session.client("apigatewayv2", endpoint_url=aws.url)
    for api in rest.get_rest_apis(limit=500)["items"]:
        for stage in rest.get_stages(restApiId=api["id"])["item"]:
            patch = [{"op": "replace", "path": "/description", "value": "changed by somebody"}]
            rest.update_stage(restApiId=api["id"], stageName=stage["stageName"], patchOperations=patch)
    for api in http.get_apis()["Items"]:
        for stage in http.get_stages(ApiId=api["ApiId"])["Items"]:
            http.update_stage(ApiId=api["ApiId"], StageName=stage["StageName"], Description="changed by somebody")
