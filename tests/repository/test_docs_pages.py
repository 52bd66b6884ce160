"""The made pages of the documentation tell what the manifests and settings say, and leave nothing out."""

import re

from aforo.gateway_sdk.manifest import Capability
from aforo.gateway_sdk.registry import gateways
from scripts.docs_pages import capability_page, connect_page, pages, sections, sign_in_page

MANIFESTS = [entry.manifest for entry in gateways().values()]
MARKS = {"yes", "by a substitute", "not yet", "no"}


def test_the_capability_table_has_a_cell_for_each_gateway_and_capability() -> None:
    table = [line.strip("| ").split(" | ") for line in capability_page(MANIFESTS).splitlines() if line.startswith("|")]
    head, rows = table[0], table[2:]
    assert head == [manifest.name for manifest in MANIFESTS]
    assert len(rows) == len(Capability) == 16
    assert all(len(row) == 1 + len(MANIFESTS) and set(row[1:]) <= MARKS for row in rows)


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
