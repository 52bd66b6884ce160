"""Connecting a gateway and signing in: what is asked, what is sent, what is kept, and what is never shown."""

import io
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from aforo.app.cli import main
from aforo.app.cli.exits import Exit
from tests.app.test_cli_wire import INTEGRATION, KEY, Wire, wire

__all__ = ["wire"]

ME = {"tenantId": "ten_1", "tenantSlug": "acme", "actorId": "key_1", "scopes": ["admin"]}
SECRET = "tok-9d81c2a7b3"  # planted to be searched for


def form_field(name: str, **more: Any) -> dict[str, Any]:
    known = {"label": name, "kind": "text", "hint": "", "secret": False, "required": True, "default": "", "choices": []}
    return {"name": name, **known, **more}


def sign_in(key: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "label": key, "group": "manual", "recommended": False, "fields": list(fields)}


@pytest.fixture(autouse=True)
def forms(wire: Wire) -> None:
    token = sign_in("header_token", form_field("admin_url"), form_field("token", secret=True))
    role = sign_in("aws_role", form_field("role_arn", later=True), form_field("region"))
    gateways = [
        {
            "key": "kong",
            "name": "Kong",
            "signIns": [token, sign_in("none", form_field("admin_url"))],
            "capabilities": {},
        },
        {"key": "aws", "name": "AWS", "signIns": [role], "capabilities": {}},
    ]
    wire.on("GET /api/v1/gateways", {"data": gateways, "nextCursor": None})
    wire.on("POST /api/v1/integrations", INTEGRATION, status=201)
    wire.on("POST /api/v1/integrations/int_1/test", outcome("OK"))


def outcome(verdict: str) -> dict[str, Any]:
    check = {"name": "Reached", "verdict": verdict, "detail": "d", "nextStep": None, "code": None, "tookMs": 3.0}
    return {"passed": verdict != "FAILED", "at": "2026-11-22T14:02:00Z", "checks": [check]}


def add(*more: str) -> int:
    start = ["integrations", "add", "kong-prod", "--gateway", "kong", "--sign-in", "header_token"]
    return main([*start, "--set", "admin_url=http://kong", *more])


def test_adding_tests_the_connection_without_a_further_step(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    assert add("--set", "token=x") == Exit.OK
    assert [call for call, _ in wire.asked][-2:] == [
        "POST /api/v1/integrations",
        "POST /api/v1/integrations/int_1/test",
    ]
    assert "✓ ok      Reached" in capsys.readouterr().out


def test_a_failed_test_exits_unlike_zero_and_says_that_the_integration_stays_saved(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.on("POST /api/v1/integrations/int_1/test", outcome("FAILED"))
    assert add("--set", "token=x") == Exit.GATEWAY
    assert "stays saved" in capsys.readouterr().out


def test_a_secret_can_come_from_a_file(wire: Wire, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    assert add("--set", f"token=@{tmp_path}/token") == Exit.OK
    sent = wire.bodies("POST /api/v1/integrations")[0]
    assert sent["settings"] == {"admin_url": "http://kong", "token": SECRET}
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err
    assert "history" not in told.err


def test_a_secret_can_come_from_standard_input(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    assert add("--set", "token=-") == Exit.OK
    assert wire.bodies("POST /api/v1/integrations")[0]["settings"]["token"] == SECRET


def test_a_secret_on_the_command_line_works_but_warns_without_repeating_it(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add("--set", f"token={SECRET}") == Exit.OK
    told = capsys.readouterr()
    assert "history" in told.err
    assert SECRET not in told.out + told.err


def test_two_at_signs_begin_a_value_that_begins_with_one(wire: Wire) -> None:
    assert add("--set", "token=@@home") == Exit.OK
    assert wire.bodies("POST /api/v1/integrations")[0]["settings"]["token"] == "@home"


def test_every_missing_field_is_named_at_once_where_nobody_can_be_asked(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["integrations", "add", "a", "--gateway", "kong", "--sign-in", "header_token"]) == Exit.INVALID
    told = capsys.readouterr().err
    assert "admin_url, token is missing" in told
    assert not wire.bodies("POST /api/v1/integrations")


@pytest.mark.parametrize("wrong", ["tokn=x", "token"])
def test_a_setting_that_does_not_exist_is_refused_with_those_that_do(
    wire: Wire, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    assert add("--set", wrong) == Exit.USAGE
    assert "The fields are admin_url, token." in capsys.readouterr().err
    assert not wire.bodies("POST /api/v1/integrations")


def test_a_role_that_does_not_exist_yet_is_saved_first_and_shows_its_external_id(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["integrations", "add", "aws-prod", "--gateway", "aws", "--set", "region=eu-west-1"]) == Exit.OK
    told = capsys.readouterr()
    assert "ExternalId  e-1" in told.out
    assert "aforo integrations cloudformation kong-prod" in told.err
    assert "role_arn=" in told.err
    assert not wire.bodies("POST /api/v1/integrations/int_1/test")


def test_a_sign_in_by_consent_says_where_somebody_consents_and_what_is_in_the_way(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    why = "Aforo is not registered at Google yet. Register it with the redirect URI http://aforo.test/api/v1/oauth/callback"
    google = sign_in("google", form_field("organization"), form_field("refresh_token", later=True))
    google |= {"consentAt": "Google", "unusableBecause": why}
    known = {"key": "apigee", "name": "Apigee", "signIns": [google], "capabilities": {}}
    wire.on("GET /api/v1/gateways", {"data": [known], "nextCursor": None})
    assert main(["integrations", "add", "kong-prod", "--gateway", "apigee", "--set", "organization=acme"]) == Exit.OK
    told = capsys.readouterr()
    assert "waits for somebody's consent at Google" in told.out
    assert "/integrations/int_1/setup" in told.err
    assert why in told.err.replace("\n", " ")
    assert "cloudformation" not in told.err
    assert not wire.bodies("POST /api/v1/integrations/int_1/test")


def test_the_template_alone_goes_to_standard_output(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    view = {"externalId": "e-1", "template": "Resources: {}\n", "quickCreateLink": None, "deployCommand": "aws deploy", "filename": "role.yaml"}  # fmt: skip  # noqa: E501
    wire.on("GET /api/v1/integrations/int_1/cloudformation", view)
    assert main(["integrations", "cloudformation", "kong-prod", "--variant", "read_only"]) == Exit.OK
    assert capsys.readouterr().out == "Resources: {}\n"
    assert wire.bodies("GET /api/v1/integrations/int_1/cloudformation") == [{"variant": ["read_only"]}]


def test_login_checks_the_key_and_keeps_it_for_its_owner_alone(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.on("GET /api/v1/me", ME)
    assert main(["login"]) == Exit.OK
    kept = tmp_path / ".config" / "aforo" / "credentials.toml"
    assert tomllib.loads(kept.read_text()) == {"url": wire.url, "key": KEY}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [one.name for one in kept.parent.iterdir()] == ["credentials.toml"]
    monkeypatch.delenv("AFORO_API_KEY")
    monkeypatch.delenv("AFORO_URL")
    assert main(["whoami"]) == Exit.OK
    told = capsys.readouterr()
    assert KEY not in told.out + told.err
    assert main(["logout"]) == Exit.OK
    assert not kept.exists()


def test_a_key_that_is_refused_is_not_kept(wire: Wire, tmp_path: Path) -> None:
    wire.fails("GET /api/v1/me", 401, "unauthenticated")
    assert main(["login"]) == Exit.NOT_SIGNED_IN
    assert not (tmp_path / ".config" / "aforo").exists()


def test_a_saved_key_is_never_sent_to_another_address(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.on("GET /api/v1/me", ME)
    assert main(["login"]) == Exit.OK
    monkeypatch.delenv("AFORO_API_KEY")
    monkeypatch.setenv("AFORO_URL", wire.url.replace("127.0.0.1", "localhost"))
    before = len(wire.asked)
    assert main(["whoami"]) == Exit.NOT_SIGNED_IN
    assert len(wire.asked) == before


def test_a_saved_key_that_others_can_read_is_not_used(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.on("GET /api/v1/me", ME)
    assert main(["login"]) == Exit.OK
    (tmp_path / ".config" / "aforo" / "credentials.toml").chmod(0o644)
    monkeypatch.delenv("AFORO_API_KEY")
    assert main(["whoami"]) == Exit.NOT_SIGNED_IN
    assert "chmod 600" in capsys.readouterr().err
