"""What an operator may type: addresses that are addresses, sizes that fit, secrets that stay where they are."""

import pytest

from aforo.gateway_sdk.manifest import FieldKind, FormField, SignIn, SignInGroup
from aforo.integrations.rules import form
from aforo.kit.errors import Invalid

WAY = SignIn(
    "token",
    "Token",
    SignInGroup.MANUAL,
    (
        FormField("admin_url", "Address", FieldKind.URL),
        FormField("token", "Token", secret=True),
        FormField("header_name", "Header", default="Kong-Admin-Token", required=False),
        FormField("workspace", "Workspace", required=False),
        FormField("region", "Region", required=False),
        FormField("ca_bundle", "CA bundle", FieldKind.MULTILINE, required=False),
        FormField("document", "kong.yml", FieldKind.MULTILINE, secret=True, required=False),
        FormField("proxy", "Proxy", FieldKind.URL, required=False),
    ),
)
BEFORE = {"admin_url": "https://kong.example", "header_name": "Kong-Admin-Token", "ca_bundle": "a\nb"}
GOOD = {"admin_url": "https://kong.example", "token": "t"}


def _faults(**typed: str) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        form.checked(WAY, {**GOOD, **typed})
    return dict(refused.value.faults)


@pytest.mark.parametrize(
    "address",
    [
        "http://[::1",
        "http://[kong]",
        "http://kong:abc",
        "http://kong:99999",
        "http://kong:-1",
        "http://kong:0",
        "http://:8001",
        "http://",
        "https:///x",
        "http://a b",
        "http://a\\b",
        "http://u:p@kong",
        "kong:8001",
        "ftp://kong",
    ],
)
def test_what_is_no_address_is_told_at_its_field(address: str) -> None:
    assert set(_faults(admin_url=address, proxy=address)) == {"/settings/admin_url", "/settings/proxy"}


@pytest.mark.parametrize("address", ["http://kong:8001", "https://[::1]:8444/x", "HTTP://10.0.0.1/", "http://kong_a:"])
def test_addresses_are_accepted(address: str) -> None:
    assert form.checked(WAY, {**GOOD, "admin_url": address})["admin_url"] == address


def test_a_line_holds_2000_characters_a_text_5_million_bytes_and_a_name_200_characters() -> None:
    form.checked(WAY, {**GOOD, "token": "t" * 2000, "document": "\u00e9" * 2_500_000})
    faults = _faults(token="t" * 2001, document="\u00e9" * 2_500_001)
    assert set(faults) == {"/settings/token", "/settings/document"}
    assert form.checked_name("n" * 200)
    with pytest.raises(Invalid):
        form.checked_name("n" * 201)


def test_half_a_character_is_told_at_its_field() -> None:
    assert set(_faults(token="a\ud800b")) == {"/settings/token"}


@pytest.mark.parametrize(
    "typed",
    [
        {"admin_url": "https://elsewhere.example"},
        {"proxy": "http://elsewhere.example:3128"},
        {"ca_bundle": "another authority"},
        {"ca_bundle": ""},
        {"region": "eu"},
        {"header_name": "X-Logged"},
    ],
)
def test_a_change_of_where_a_secret_goes_or_who_reads_it_asks_for_the_secret_again(typed: dict[str, str]) -> None:
    assert form.moves(WAY, BEFORE, typed)


@pytest.mark.parametrize(
    "typed", [{}, BEFORE, {"workspace": "other"}, {"token": "new"}, {"ca_bundle": " a\r\nb\r\n"}, {"header_name": ""}]
)
def test_other_changes_and_the_same_text_from_a_browser_keep_the_secret(typed: dict[str, str]) -> None:
    assert not form.moves(WAY, BEFORE, typed)


def test_a_hint_shows_the_last_four_of_a_line_and_of_a_document_nothing() -> None:
    document = "services:\n- password: hunter2" + "x" * 1205
    told = form.hints(WAY, {"token": "a-token-of-some-length", "document": document})
    assert told == {"token": "••••ngth", "document": "•••• (document of 1,234 characters)"}
    assert form.hints(WAY, {"token": "short"}) == {"token": "••••"}
