"""The made pages of the documentation tell what the manifests and settings say, and leave nothing out."""

import re
from dataclasses import fields, replace

import pytest

from aforo.gateway_sdk.manifest import Bounds, Capability
from aforo.gateway_sdk.registry import gateways
from scripts.docs_pages import capability_page, connect_page, live_runs, pages, sections, sign_in_page

MANIFESTS = [entry.manifest for entry in gateways().values()]
MARKS = {"yes", "by a substitute", "not yet", "no"}


def test_the_capability_table_has_a_cell_for_each_gateway_and_capability() -> None:
    head, rows = _table(capability_page(MANIFESTS, []))
    assert head == [manifest.name for manifest in MANIFESTS]
    assert len(rows) == len(Capability) + 1 == 17
    assert all(len(row) == 1 + len(MANIFESTS) and set(row[1:]) <= MARKS for row in rows[:-1])


def test_the_words_of_every_cell_are_printed() -> None:
    page = capability_page(MANIFESTS, [])
    words = [support.words for manifest in MANIFESTS for support in manifest.capabilities.values()]
    assert [one for one in words if one not in page] == []


def test_a_gateway_that_nobody_ran_the_suite_on_says_so_and_a_run_tells_what_when_and_how_it_ended() -> None:
    assert _table(capability_page(MANIFESTS, []))[1][-1][1:] == ["none yet"] * len(MANIFESTS)
    runs = live_runs('[[run]]\ngateway = "kong"\non = 2026-12-01\nwhat = "OSS 3.9"\npassed = 16\nfailed = 1\n')
    cells = dict(zip((one.key for one in MANIFESTS), _table(capability_page(MANIFESTS, runs))[1][-1][1:], strict=True))
    assert cells.pop("kong") == "OSS 3.9, 2026-12-01: 16 passed, 1 failed"
    assert set(cells.values()) == {"none yet"}


def test_a_live_run_of_a_gateway_that_is_not_there_is_refused() -> None:
    with pytest.raises(LookupError, match="kongg"):
        live_runs('[[run]]\ngateway = "kongg"\non = 2026-12-01\nwhat = ""\npassed = 1\nfailed = 0\n')


def test_every_bound_of_a_gateway_that_runs_something_inside_is_printed() -> None:
    bounds = Bounds("at_least_once", "of 1 s", "by 2 units", "in a dictionary", "one of 3")
    page = capability_page([replace(MANIFESTS[0], bounds=bounds)], [])
    told = [str(getattr(bounds, field.name)).replace("_", " ") for field in fields(Bounds)]
    assert [one for one in told if f"| {one} |" not in page] == []


def test_every_field_of_every_sign_in_is_listed() -> None:
    page = sign_in_page(MANIFESTS)
    for way in [way for manifest in MANIFESTS for way in manifest.sign_ins]:
        assert f"### {way.label} (`{way.key}`)" in page
        assert [field.name for field in way.fields if f"| `{field.name}` | {field.label}" not in page] == []


def test_a_connect_page_has_one_title_whatever_the_readme_in_it_has() -> None:
    for manifest in MANIFESTS:
        plain = re.sub(r"(?s)```.*?```", "", connect_page(manifest))
        assert re.findall(r"(?m)^# .*", plain) == [f"# Connect {manifest.name}"]


def test_every_page_in_the_navigation_is_made() -> None:
    listed = {path for entries in sections().values() for entry in entries for path in entry.values()}
    assert listed <= set(pages())


def test_the_settings_page_shows_no_setting_without_a_description() -> None:
    rows = [line for line in pages()["reference/settings.md"].splitlines() if line.startswith("| `AFORO_")]
    assert rows
    assert not [row for row in rows if row.endswith("|  |")]


def _table(page: str) -> tuple[list[str], list[list[str]]]:
    """The first table's head without its empty corner, and its rows."""
    above = page.partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in above.splitlines() if line.startswith("|")]
    return lines[0], lines[2:]
