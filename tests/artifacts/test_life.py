"""The life of an artifact over the API: what is told before, what stands afterwards, and how it is left."""

from pathlib import Path

from aforo.accounts import Scope
from aforo.gateway_sdk.errors import GatewayTimeout
from tests.artifacts.toy import Doom
from tests.artifacts.workshop import SCOPES, workshop


async def test_a_preview_tells_steps_dangers_and_files_and_changes_nothing(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        before = shop.gateway.state()
        told = await shop.verb("preview")
        assert [step["action"] for step in told["steps"]] == ["create", "wrap", "create"]
        assert told["steps"][1]["danger"] == "somebody's hook of pay runs after ours"
        assert (told["hits"], told["products"]) == (["pay", "search"], 2)
        assert told["ingestUrl"] == "https://ingest.example.com/v1/ingest"
        assert told["documents"][0]["text"] == "key = made-by-aforo-when-it-is-deployed\n"
        assert shop.gateway.state() == before
        assert await shop.keys() == []
        assert (await shop.standing())["phase"] == "ABSENT"


async def test_deploy_attach_and_detach_leave_the_gateway_as_it_was(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        before = shop.gateway.state()
        deployed = await shop.verb("deploy", {"targets": ["pay"], "excluded": ["/health"]})
        assert (deployed["phase"], deployed["mode"]) == ("DEPLOYED", "observe")
        assert shop.gateway.services == {"pay": "somebody's", "search": None}
        (key,) = await shop.keys()
        assert (key["id"], sorted(key["scopes"])) == (deployed["keyId"], SCOPES)
        attached = await shop.verb("attach")
        assert (attached["phase"], attached["mode"], attached["attached"]) == ("ATTACHED", "observe", ["pay"])
        assert attached["observed"]["phase"] == "ATTACHED"
        assert attached["settings"]["excluded"] == ["/health"]
        assert shop.gateway.services == {"pay": "aforo", "search": None}
        assert shop.gateway.settings is not None
        assert not shop.gateway.settings["enforce"]
        detached = await shop.verb("detach")
        assert (detached["phase"], detached["keyId"]) == ("ABSENT", None)
        assert shop.gateway.state() == before
        assert await shop.keys() == []
        assert (await shop.verb("detach"))["phase"] == "ABSENT"


async def test_no_answer_and_no_file_at_rest_holds_the_artifacts_key(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        answers = [str(await shop.verb("deploy")), str(await shop.verb("attach"))]
        assert shop.gateway.settings is not None
        secret = str(shop.gateway.settings["api_key"])
        shown = await shop.verb("preview")
        verified = await shop.verb("verify")
        audit = await shop.running.call("GET", "/api/v1/audit")
        answers += map(str, (shown, verified, await shop.standing(), audit))
        assert shown["documents"][0]["text"] == f"key = ••••{secret[-4:]}\n"
        assert f"••••{secret[-4:]}" in verified["checks"][0]["detail"]
        assert not [answer for answer in answers if secret in answer]
        files = [path.read_bytes() for path in (tmp_path / "var").iterdir() if path.is_file()]
        assert not [content for content in files if secret.encode() in content]


async def test_a_repeated_attach_still_knows_what_stood_there_before_the_first(tmp_path: Path) -> None:
    async with workshop(tmp_path, forgetful=True) as shop:
        before = shop.gateway.state()
        await shop.verb("deploy")
        await shop.verb("attach")
        shop.gateway.aside.clear()
        shop.version = "1.1"
        await shop.verb("deploy")
        again = await shop.verb("attach")
        assert (again["version"], again["phase"]) == ("1.1", "ATTACHED")
        await shop.verb("detach")
        assert shop.gateway.state() == before


async def test_a_new_deploy_keeps_its_key_and_a_rotated_one_works_until_the_attach(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        first = await shop.verb("deploy")
        await shop.verb("attach")
        assert (await shop.verb("deploy"))["keyId"] == first["keyId"]
        second = await shop.verb("deploy", {"rotateKey": True})
        assert second["keyId"] != first["keyId"]
        assert {key["id"] for key in await shop.keys()} == {first["keyId"], second["keyId"]}
        await shop.verb("attach")
        assert [key["id"] for key in await shop.keys()] == [second["keyId"]]


async def test_what_is_not_deployed_cannot_be_attached_verified_or_switched(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        for verb, body in (("attach", None), ("verify", None), ("enforce", None), ("observe", None), ("resume", None)):
            assert (await shop.verb(verb, body, 409))["code"] == "artifact_not_deployed"
        await shop.verb("deploy")
        assert (await shop.verb("enforce", None, 409))["code"] == "artifact_not_deployed"
        await shop.running.call("POST", "/api/v1/integrations/int_none/enforcement/deploy", status=404)


async def test_settings_that_make_no_sense_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        senseless: list[dict[str, object]] = [
            {"keyFrom": ["cookie:session"]},
            {"excluded": ["health"]},
            {"failMode": "sometimes"},
            {"targets": "pay"},
            {"surprise": 1},
        ]
        for body in senseless:
            assert (await shop.verb("deploy", body, 422))["errors"], body
        assert await shop.keys() == []


async def test_a_step_that_the_gateway_refused_is_told_until_it_is_done(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await shop.verb("deploy")
        shop.gateway.doom = Doom(3, lambda: GatewayTimeout("It did not answer."), lost=True)
        assert (await shop.verb("attach", None, 502))["code"] == "gateway_timeout"
        told = await shop.standing()
        assert (told["phase"], told["unfinished"], told["fault"]) == ("DEPLOYED", "attach", "It did not answer.")
        done = await shop.verb("attach")
        assert (done["phase"], done["unfinished"], done["fault"]) == ("ATTACHED", None, None)


async def test_an_integration_with_an_artifact_is_removed_only_by_detaching_or_on_purpose(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        before = shop.gateway.state()
        await shop.verb("deploy")
        await shop.verb("attach")
        place = f"/api/v1/integrations/{shop.integration_id}"
        refused = await shop.running.call("DELETE", place, status=409)
        assert (refused["code"], "an artifact" in refused["detail"]) == ("integration_in_use", True)
        await shop.running.call("DELETE", f"{place}?force=detach", status=204)
        assert shop.gateway.state() == before
        assert await shop.keys() == []
        await shop.running.call("GET", place, status=404)


async def test_another_tenants_artifact_is_not_there(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await shop.verb("deploy")
        accounts = shop.running.rooms.accounts
        other = await accounts.create_tenant("rival", "Rival")
        _, key = await accounts.create_key(other.id, "theirs", {Scope.ADMIN})
        headers = {"Authorization": f"Bearer {key}"}
        for method, below in (("GET", ""), ("POST", "/detach"), ("POST", "/attach"), ("POST", "/verify")):
            answer = await shop.running.http.request(method, shop.place(below), headers=headers)
            assert answer.status_code == 404, (method, below, answer.text)
        paused = await shop.running.http.post(shop.place("/pause"), headers=headers, json={"reason": "theirs"})
        assert paused.status_code == 404
        assert shop.gateway.settings is not None
