"""Every part in every state, as text: well formed, free of inline code, and the same words at every call."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from jinja2 import UndefinedError
from starlette.testclient import TestClient

from aforo.app.web import look, styleguide, words
from aforo.app.web.chart import Series, ceiling, columns, holes, path
from aforo.app.web.look import Look, look_of
from aforo.app.web.nav import NAVIGATION, Count, navigation
from aforo.app.web.render import CSP, Render, Visit
from aforo.kit.clock import HandClock

VOID = {"meta", "link", "input", "br", "hr", "img", "wbr", "area", "base", "col", "embed", "source", "track"}
NOW = styleguide.NOW


class Outline(HTMLParser):
    """Elements, ids and attributes of a page; `faults` are tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes {self.open[-1:]}")
        else:
            self.open.pop()

    def all(self, attribute: str) -> list[str]:
        return [
            value or "" for _, attributes in self.elements for name, value in attributes.items() if name == attribute
        ]

    def tags(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def make_app(render: Render) -> FastAPI:
    app = FastAPI()
    app.include_router(styleguide.routes(render))
    app.include_router(render.assets.routes())
    app.include_router(look.routes())
    return app


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(make_app(Render(navigation=NAVIGATION, clock=HandClock(NOW))))


@pytest.fixture(scope="module")
def page(client: TestClient) -> str:
    return client.get("/styleguide").text


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


@pytest.mark.parametrize("address", ["/styleguide", "/styleguide/question"])
def test_a_page_is_well_formed_with_one_h1_and_unique_ids(client: TestClient, address: str) -> None:
    outline = Outline(client.get(address).text)
    ids = outline.all("id")
    assert outline.faults == []
    assert [one for one in ids if ids.count(one) > 1] == []
    assert len(outline.tags("h1")) == 1


def test_nothing_is_inline_that_the_policy_would_refuse(outline: Outline) -> None:
    names = {name for _, attributes in outline.elements for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}
    assert not outline.tags("style")
    assert [bool(script.get("src")) for script in outline.tags("script")] == [True]
    assert not [link for link in outline.all("href") if link.startswith(("http", "//", "javascript:"))]


def test_a_page_has_exactly_one_solid_primary_button(outline: Outline) -> None:
    classes = [(value or "").split() for value in outline.all("class")]
    assert sum("primary" in names for names in classes) == 1


def test_every_control_has_a_name(outline: Outline) -> None:
    labelled = {label.get("for") for label in outline.tags("label")}
    for field in outline.tags("input") + outline.tags("select") + outline.tags("textarea"):
        wrapped = field.get("type") in ("hidden", "radio") or field.get("name") == "read_only"
        named = field.get("aria-label") or field.get("aria-labelledby") or field.get("id") in labelled
        assert wrapped or named, field


def test_every_reference_inside_a_page_leads_somewhere(outline: Outline) -> None:
    ids = set(outline.all("id"))
    named = [*outline.all("popovertarget"), *outline.all("data-swap"), *outline.all("data-of"), *outline.all("for")]
    named += [
        one for names in outline.all("aria-labelledby") + outline.all("aria-describedby") for one in names.split()
    ]
    named += [link[1:] for link in outline.all("href") if link.startswith("#") and len(link) > 1]
    assert [one for one in named if one not in ids] == []


def test_every_part_that_pages_may_use_is_drawn_on_the_guide_or_in_the_shell_around_it() -> None:
    templates = Path(styleguide.__file__).parent / "templates"
    parts = re.findall(r"^{% set (\w+) =", (templates / "ui.html").read_text(), re.MULTILINE)
    drawn = "".join((templates / name).read_text() for name in ("styleguide.html", "base.html"))
    assert len(parts) > 40
    assert [part for part in parts if f"ui.{part}(" not in drawn] == []


def test_every_icon_is_in_the_sprite(outline: Outline, client: TestClient) -> None:
    used = {attributes["href"] or "" for attributes in outline.tags("use")}
    (sprite,) = {address.split("#")[0] for address in used}
    known = set(re.findall(r'<symbol id="([^"]+)"', client.get(sprite).text))
    assert {address.split("#")[1] for address in used} <= known


def test_even_the_page_with_every_part_stays_within_a_pages_weight(page: str) -> None:
    assert len(gzip.compress(page.encode(), compresslevel=6)) <= 60_000


def test_the_drift_banner_can_be_found_by_its_name(outline: Outline) -> None:
    assert outline.all("data-component") == ["DriftAlertBanner", "DriftAlertBanner"]
    assert outline.all("data-tone").count("drift") >= 2


def test_a_page_brings_the_strict_policy_and_is_not_stored(client: TestClient) -> None:
    answer = client.get("/styleguide")
    assert answer.headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert answer.headers["cache-control"] == "no-store"


def test_static_files_are_immutable_and_only_exact_names_exist(client: TestClient, outline: Outline) -> None:
    address = next(link["href"] or "" for link in outline.tags("link") if link["rel"] == "stylesheet")
    assert "immutable" in client.get(address).headers["cache-control"]
    assert client.get("/static/aforo.css").status_code == 404
    assert client.get("/static/..%2frender.py").status_code == 404


def test_theme_density_and_zone_come_with_the_first_byte(client: TestClient) -> None:
    cookies = {"cookie": "aforo_theme=dark; aforo_density=compact; aforo_zone=Europe/Berlin"}
    text = client.get("/styleguide", headers=cookies).text
    assert 'data-theme="dark" data-density="compact"' in text
    assert "14:52 CET" in text
    assert "Times in Europe/Berlin" in text


@pytest.mark.parametrize("junk", ["", "nowhere", "../../etc/passwd", "Europe/Nowhere", "\x00"])
def test_a_cookie_nobody_set_falls_back_to_the_default(junk: str) -> None:
    assert look_of({"aforo_theme": junk, "aforo_density": junk, "aforo_zone": junk}) == Look()


def test_choosing_a_look_sets_its_cookie_and_goes_back(client: TestClient) -> None:
    answer = client.post("/look", data={"theme": "dark", "back": "/products?q=a"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/products?q=a")
    assert "aforo_theme=dark" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"]
)
def test_choosing_a_look_never_leads_to_another_host(client: TestClient, back: str) -> None:
    answer = client.post("/look", data={"theme": "light", "back": back}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_what_a_gateway_says_is_never_read_as_markup() -> None:
    render = Render(clock=HandClock(NOW))
    visit = Visit("/x", "q=<b>", NOW, Look())
    hostile = "<script>alert(1)</script>\"'"
    text = render.text(
        "shell/error.html",
        visit,
        title=hostile,
        detail=hostile,
        next_step=hostile,
        back_href="/",
        back_label=hostile,
        code="x",
    )
    assert "<script>alert" not in text
    assert Outline(text).faults == []


def test_a_value_that_a_template_misses_is_an_error_and_not_a_blank() -> None:
    with pytest.raises(UndefinedError):
        Render().text("shell/error.html", Visit("/", "", NOW, Look()), title="Not found")


def test_a_room_brings_its_own_templates(tmp_path: Path) -> None:
    page = '{% extends "shell/base.html" %}{% import "shell/ui.html" as ui with context %}'
    page += "{% block title %}One{% endblock %}{% block content %}{{ ui.badge(word) }}{% endblock %}"
    (tmp_path / "one.html").write_text(page)
    text = Render([("catalog", tmp_path)]).text("catalog/one.html", Visit("/", "", NOW, Look()), word="STALE")
    assert 'data-tone="drift"' in text


def test_navigation_shows_only_what_is_built_and_counts_what_needs_a_person() -> None:
    render = Render(navigation=navigation({"/products", "/integrations"}))
    counts = {"/products": Count(3, "products differ", "drift")}
    values = {"title": "t", "detail": "d", "next_step": "", "back_href": "/", "back_label": "b", "code": "c"}
    text = render.text("shell/error.html", Visit("/products/p1", "", NOW, Look(), counts=counts), **values)
    links = {link["href"]: link for link in Outline(text).tags("a")}
    assert "/margin" not in links
    assert links["/products"].get("aria-current") == "page"
    assert links["/integrations"].get("aria-current") is None
    assert "3<span" in text
    assert "products differ" in text


def test_sign_in_names_its_error_in_title_summary_and_field() -> None:
    text = Render().text(
        "shell/sign_in.html", Visit("/sign-in", "", NOW, Look()), error="This key is not known.", next="/"
    )
    assert "<title>Error: Sign in" in text
    assert text.count("This key is not known.") == 2
    assert Outline(text).faults == []


def test_unknown_is_a_dash_and_never_zero() -> None:
    assert (words.number(None), words.money(None, "EUR"), words.percent(None)) == ("—", "—", "—")
    assert (words.number(0), words.money("0", "EUR")) == ("0", "0.00 EUR")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("4120", "4,120.00"),
        ("0.0041", "0.0041"),
        ("-88.2", "\N{MINUS SIGN}88.20"),
        ("0.12345678", "0.123457"),
        ("1E+3", "1,000.00"),
    ],
)
def test_money_is_shown_with_separators_and_never_abbreviated(amount: str, text: str) -> None:
    assert words.money(amount) == text


@pytest.mark.parametrize(
    ("gap", "text"),
    [(13 * 60, "13 min ago"), (59, "59 s ago"), (3600 * 23, "23 h ago"), (-240, "in 4 min"), (86400, None)],
)
def test_a_time_is_relative_within_a_day_only(gap: int, text: str | None) -> None:
    assert words.ago(NOW - timedelta(seconds=gap), NOW) == text


def test_an_exact_time_always_names_its_zone() -> None:
    assert words.exact(NOW, UTC) == "22 Nov 2026, 14:05:12 UTC"
    assert (
        words.exact(datetime(2026, 7, 1, 12, tzinfo=UTC), Look(zone="Europe/Berlin").tz) == "1 Jul 2026, 14:00:00 CEST"
    )


def test_a_pointer_reads_like_a_path() -> None:
    assert words.label("/routes/2/paths/0") == "routes[2].paths[0]"
    assert words.label("/config/a~1b") == "config.a/b"


def test_a_chart_shows_missing_values_as_a_gap_and_starts_at_zero() -> None:
    values = [1.0, None, 3.0]
    assert path(values, 4).count("M") == 2
    assert [box is None for box in columns(values, 4)] == [False, True, False]
    assert all(box.y + box.height == 200 for box in columns([2.0, 4.0], 4) if box)
    assert len(holes(values, in_columns=True)) == 1
    assert ceiling([Series("a", [4310.0])]) == 5000
