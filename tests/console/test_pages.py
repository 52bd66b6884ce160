"""The first pages, read as a browser without scripts reads them."""

from pathlib import Path

import pytest

from aforo.accounts import Role
from aforo.gateway_sdk.emulator import Fault
from tests.console.visiting import Visitor, visiting
from tests.flows.hands import KongHand
from tests.live import Emulated, emulated

READ_PAGES = ("/", "/integrations", "/products", "/schedules")


async def test_before_anything_is_connected_every_page_names_the_first_step(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        for path in READ_PAGES:
            seen = await me.get(path)
            assert seen.status == 200
            assert "+ New Integration" in seen.text
            assert "Try with emulated gateways" in seen.text
            assert seen.primaries == 1


async def test_a_stranger_is_sent_to_the_sign_in_and_back(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        me.http.cookies.clear()
        seen = await me.get("/products?status=STALE")
        assert seen.path.startswith("/sign-in?next=")


async def _connect(me: Visitor, gateway: Emulated, name: str = "kong-prod") -> str:
    """As a person does it; the integration's id."""
    sent = {f"set.{field}": value for field, value in gateway.settings.items()}
    form = {"gateway": gateway.gateway, "sign_in": gateway.sign_in, "name": name, **sent}
    seen = await me.post("/integrations/new", form)
    assert seen.status == 200, seen.text
    assert seen.path.endswith("/test")
    return seen.path.split("/")[2]


async def _import_all(me: Visitor, integration_id: str) -> None:
    seen = await me.post("/previews", {"integration_id": integration_id})
    assert seen.path.startswith("/previews/"), seen.text
    done = await me.post(seen.path, {**seen.form(seen.path), "act": "import"})
    assert "imported." in done.text, done.text


async def _first_product(me: Visitor) -> dict[str, str]:
    answer = await me.running.call("GET", "/api/v1/products")
    found: dict[str, str] = answer["data"][0]
    return found


async def test_each_step_of_the_wizard_is_a_page_and_the_test_starts_by_itself(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            assert "Kong Gateway" in (await me.get("/integrations/new")).text
            ways = await me.get("/integrations/new?gateway=kong")
            assert "Manual" in ways.text
            form = await me.get("/integrations/new?gateway=kong&sign_in=none")
            assert form.form("/integrations/new")["name"] == ["kong"]
            integration_id = await _connect(me, gateway)
            tested = await me.get(f"/integrations/{integration_id}/test")
            assert "The connection works" in tested.text
            assert "Address reached" in tested.text
            assert "Preview changes" in tested.text


async def test_nothing_typed_is_lost_but_secrets_and_each_fault_is_told_at_its_field(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        form = {
            "gateway": "kong",
            "sign_in": "header_token",
            "name": "kong-prod",
            "set.admin_url": "ftp://kong.example",
            "set.token": "planted-secret-token",
            "set.workspace": "edge",
        }
        seen = await me.post("/integrations/new", form)
        assert seen.status == 422
        assert "<title>Error:" in seen.html
        assert "must begin with http:// or https://" in seen.text
        kept = seen.form("/integrations/new")
        assert kept["set.admin_url"] == ["ftp://kong.example"]
        assert kept["set.workspace"] == ["edge"]
        assert "planted-secret-token" not in seen.html


async def test_going_back_keeps_what_was_typed_except_secrets(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        form = {
            "gateway": "kong",
            "sign_in": "header_token",
            "name": "my-kong",
            "set.admin_url": "https://kong.example",
            "set.token": "planted-secret-token",
        }
        ways = await me.post("/integrations/new/back", form)
        draft = ways.form("/integrations/new")["draft"][0]
        again = await me.get(f"/integrations/new?gateway=kong&sign_in=header_token&draft={draft}")
        kept = again.form("/integrations/new")
        assert kept["name"] == ["my-kong"]
        assert kept["set.admin_url"] == ["https://kong.example"]
        assert "planted-secret-token" not in again.html


async def test_a_name_that_is_taken_is_told_at_the_name(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            await _connect(me, gateway)
            form = {"gateway": "kong", "sign_in": "none", "name": "kong-prod", "set.admin_url": gateway.url}
            seen = await me.post("/integrations/new", form)
            assert seen.status == 422
            assert "There is an integration named kong-prod already." in seen.text


async def test_a_failed_test_names_the_cause_what_is_unharmed_and_the_next_step(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        form = {"gateway": "kong", "sign_in": "none", "name": "down", "set.admin_url": "http://127.0.0.1:9"}
        seen = await me.post("/integrations/new", form)
        assert "1 check failed. What you entered is kept; nothing was changed at the gateway." in seen.text
        assert "gateway_unreachable" in seen.text
        assert "Test again" in seen.text
        listed = await me.get("/integrations")
        assert "The only gateway is not healthy." in listed.text
        assert "thing needs you" in (await me.get("/")).text


async def test_a_preview_imports_what_is_ticked_and_nothing_else(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            seen = await me.post("/previews", {"integration_id": integration_id})
            assert (
                "Import would add 12 products and change 0; subscriptions and revenue are not known yet: —" in seen.text
            )
            form = seen.form(seen.path)
            done = await me.post(seen.path, {**form, "select": form["select"][:2], "act": "import"})
            assert "2 products imported." in done.text
            listed = await me.get("/products")
            assert "All 2 products stand at the gateway as recorded" in listed.text
            assert (await me.get(seen.path)).status == 200


async def test_a_selection_survives_filter_and_reload(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            seen = await me.post("/previews", {"integration_id": integration_id})
            form = seen.form(seen.path)
            filtered = await me.post(seen.path, {**form, "select": form["select"][:3], "act": "go:status=CHANGED"})
            assert "status=CHANGED" in filtered.path
            again = await me.get(seen.path)
            assert again.form(seen.path)["select"] == form["select"][:3]


async def test_drift_is_shown_restored_and_gone(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            await _import_all(me, await _connect(me, gateway))
            product = await _first_product(me)
            here = f"/products/{product['id']}"
            KongHand(gateway).edit(product)
            seen = await me.post(f"{here}/check")
            assert 'data-component="DriftAlertBanner"' in seen.html
            assert "read_timeout" in seen.text
            assert "Restore to Gateway…" in seen.text
            assert "1 of 12 products differs from its record." in (await me.get("/products")).text
            assert "1 thing needs you" in (await me.get("/")).text
            compared = await me.get(f"{here}/compare")
            assert "1 field differs between record and kong-prod." in compared.text
            asked = await me.get(f"{here}/restore")
            assert "would UPDATE" in asked.text
            done = await me.post(f"{here}/restore", asked.form(f"{here}/restore"))
            assert "1 write made at kong-prod and read back." in done.text
            assert 'data-component="DriftAlertBanner"' not in (await me.get(here)).html


async def test_a_restore_is_refused_when_the_gateway_moved_on_since_it_was_asked(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            await _import_all(me, await _connect(me, gateway))
            product = await _first_product(me)
            here = f"/products/{product['id']}"
            hand = KongHand(gateway)
            hand.edit(product)
            asked = await me.get(f"{here}/restore")
            hand.call("PATCH", f"/services/{product['ref']}", {"read_timeout": 4321})
            before = dict(gateway.board.calls)
            done = await me.post(f"{here}/restore", asked.form(f"{here}/restore"))
            assert done.status == 409
            assert "Changed since you looked." in done.text
            writes = [call for call in gateway.board.calls if not call.startswith("GET") and call not in before]
            assert writes == []


async def test_accepting_takes_the_gateways_version_as_the_next_record(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            await _import_all(me, await _connect(me, gateway))
            product = await _first_product(me)
            here = f"/products/{product['id']}"
            KongHand(gateway).edit(product)
            asked = await me.get(f"{here}/accept")
            assert "Accept 1 field" in asked.text
            done = await me.post(f"{here}/accept", asked.form(f"{here}/accept"))
            assert "stands at kong-prod as recorded" in done.text
            versions = await me.get(f"{here}/versions")
            assert "2 versions recorded; v2 is the record now." in versions.text
            assert "Restore v1…" in versions.text
            older = await me.get(f"{here}/restore?version=1")
            assert "v1 becomes the newest version of the record, as v3." in older.text


async def test_an_ignored_field_is_no_drift_and_can_be_compared_again(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            await _import_all(me, await _connect(me, gateway))
            product = await _first_product(me)
            here, hand = f"/products/{product['id']}", KongHand(gateway)
            hand.edit(product)
            await me.post(f"{here}/check")
            seen = await me.post(f"{here}/ignore", {"path": hand.field_path(product)})
            assert "Ignored by you" in seen.text
            assert "DriftAlertBanner" not in seen.html
            again = await me.post(f"{here}/ignore", {"path": hand.field_path(product), "ignored": "no"})
            assert "DriftAlertBanner" in again.html


async def test_while_the_gateway_is_down_the_last_good_data_stays_with_its_age(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            await _import_all(me, await _connect(me, gateway))
            product = await _first_product(me)
            here = f"/products/{product['id']}"
            await me.post(f"{here}/check")
            gateway.board.faults.append(Fault(503, times=99))
            seen = await me.post(f"{here}/check")
            assert seen.status == 200
            assert "kong-prod could not be read." in seen.text
            assert "as last read" in seen.text
            compared = await me.get(f"{here}/compare")
            assert compared.status == 200
            assert "nothing is concluded" in compared.text
            asked = await me.get(f"{here}/restore")
            assert "nothing was changed" in asked.text


async def test_a_partial_read_says_what_is_missing_and_concludes_nothing_of_it(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            gateway.board.faults.append(Fault(429, times=9, path="/plugins", headers={"Retry-After": "60"}))
            seen = await me.post("/previews", {"integration_id": integration_id})
            assert "Partial:" in seen.text
            assert "No row is called STALE" in seen.text


async def test_the_guard_wants_the_count_when_more_than_half_of_many_would_be_overwritten(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            await _import_all(me, integration_id)
            for product in (await me.running.call("GET", "/api/v1/products"))["data"]:
                KongHand(gateway).edit(product)
            seen = await me.post("/previews", {"integration_id": integration_id})
            refs = [row["ref"] for row in (await me.running.call("GET", f"/api/v1/products{seen.path}"))["changes"]]
            form = {**seen.form(seen.path), "select": refs, "act": "import"}
            asked = await me.post(seen.path, form)
            assert "Type 12 to import them" in asked.text
            wrong = await me.post(seen.path, {**asked.form(seen.path), "typed": "11"})
            assert wrong.status == 422
            done = await me.post(seen.path, {**asked.form(seen.path), "typed": "12"})
            assert "12 products imported." in done.text


async def test_of_two_who_import_one_is_told_that_it_changed_and_keeps_the_selection(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            seen = await me.post("/previews", {"integration_id": integration_id})
            form = seen.form(seen.path)
            await me.running.import_all(integration_id)
            lost = await me.post(seen.path, {**form, "select": form["select"][:4], "act": "import"})
            assert lost.status == 409
            assert "Changed since you looked." in lost.text
            assert "Read again" in lost.text
            assert lost.form(seen.path)["select"] == form["select"][:4]


@pytest.mark.parametrize(
    "path",
    ["/previews", "/integrations/new", "/try-emulated", "/jobs/job_1/stop", "/products/prod_1/restore"],
)
async def test_a_form_without_the_sessions_token_is_refused(tmp_path: Path, path: str) -> None:
    async with visiting(tmp_path) as me:
        seen = await me.post(path, {"integration_id": "int_1"}, csrf="")
        assert seen.status == 403


async def test_a_viewer_reads_everything_writes_nothing_and_is_told_who_may(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            await _import_all(me, integration_id)
            product = await _first_product(me)
            KongHand(gateway).edit(product)
            await me.post(f"/products/{product['id']}/check")
            await me.become(Role.VIEWER)
            for path in (*READ_PAGES, f"/integrations/{integration_id}", f"/products/{product['id']}"):
                seen = await me.get(path)
                assert seen.status == 200
                assert seen.primaries == 0
            assert "Restore needs the role operator" in seen.text
            for path in (f"/integrations/{integration_id}/test", f"/products/{product['id']}/check", "/previews"):
                refused = await me.post(path, {"integration_id": integration_id})
                assert refused.status == 403


async def test_another_tenants_things_are_not_there(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        for path in ("/integrations/int_x", "/products/prod_x", "/previews/prev_x", "/jobs/job_x"):
            assert (await me.get(path)).status == 404


async def test_removing_counts_what_is_lost_and_wants_a_reason(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            await _import_all(me, integration_id)
            here = f"/integrations/{integration_id}/remove"
            asked = await me.get(here)
            assert "12 imported products with their versions and drift history are forgotten" in asked.text
            unsaid = await me.post(f"{here}?products=12", {"reason": " "})
            assert unsaid.status == 422
            done = await me.post(f"{here}?products=12", {"reason": "moved"})
            assert done.path == "/integrations"
            assert "No gateway yet." in done.text


async def test_changed_settings_keep_the_secret_and_are_tested_at_once(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong", admin_token="admin-token-0123456789") as gateway:
            form = {
                "gateway": "kong",
                "sign_in": "header_token",
                "name": "kong-prod",
                "set.admin_url": gateway.url,
                "set.token": "admin-token-0123456789",
            }
            seen = await me.post("/integrations/new", form)
            assert "The connection works" in seen.text
            here = seen.path.removesuffix("/test")
            settings = await me.get(f"{here}/settings")
            assert "Stored: ••••6789. Leave empty to keep it." in settings.text
            after = await me.post(f"{here}/settings", {**settings.form(f"{here}/settings"), "name": "kong-eu"})
            assert "The connection works" in after.text
            detail = await me.get(here)
            assert "kong-eu" in detail.text
            assert "admin-token-0123456789" not in detail.html


async def test_an_open_breaker_is_seen_everywhere_and_reset_with_a_reason(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            gateway.board.faults.append(Fault(503, times=99))
            for _ in range(5):
                await me.running.rooms.integrations.check_health(me.running.tenant_id, integration_id)
            here = f"/integrations/{integration_id}"
            seen = await me.get(here)
            assert "OPEN" in seen.text
            assert "Breaker open for kong-prod" in (await me.get("/products")).text
            assert (await me.post(f"{here}/breaker", {"reason": ""})).status == 422
            done = await me.post(f"{here}/breaker", {"reason": "gateway is back"})
            assert "Calls pass." in done.text


async def test_a_role_is_set_up_with_its_external_id_before_it_is_tested(tmp_path: Path) -> None:
    principal = "arn:aws:iam::111122223333:role/aforo"
    async with visiting(tmp_path, aws_principal_arn=principal) as me:
        form = {"gateway": "aws", "sign_in": "aws_role", "name": "aws-eu", "set.region": "eu-west-1"}
        seen = await me.post("/integrations/new", form)
        assert seen.path.endswith("/setup")
        assert "ExternalId" in seen.text
        assert "aws cloudformation deploy" in seen.text
        file = await me.http.get(f"{seen.path}/file")
        assert principal in file.text
        unsaid = await me.post(seen.path, {"set.role_arn": ""})
        assert unsaid.status == 422
        assert "Role ARN is required" in unsaid.text


async def test_work_that_takes_long_has_a_page_that_counts_refreshes_and_stops(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            integration_id = await _connect(me, gateway)
            gateway.board.faults.append(Fault(0, times=99, delay_ms=4_500, path="/services"))
            seen = await me.post("/previews", {"integration_id": integration_id}, until_done=False)
            assert seen.path.startswith("/jobs/")
            assert seen.headers["refresh"] == "1"
            assert "You can leave this page" in seen.text
            job = seen.path.split("?")[0]
            assert "Read kong-prod and compare" in (await me.get("/")).text
            assert "See how far it is" in (await me.get(f"/integrations/{integration_id}")).text
            stopped = await me.post(f"{job}/stop")
            assert "Stopped at" in stopped.text
            assert "refresh" not in stopped.headers


async def test_the_lines_of_a_test_appear_as_they_end_without_a_click(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            gateway.board.faults.append(Fault(0, times=1, delay_ms=1_200, path="/services"))
            form = {"gateway": "kong", "sign_in": "none", "name": "slow", "set.admin_url": gateway.url}
            seen = await me.post("/integrations/new", form, until_done=False)
            assert seen.headers["refresh"] == "1"
            assert "The test is under way: 1 check has ended." in seen.text
            assert "Address reached" in seen.text
            ended = await me.get(seen.path)
            assert "The connection works" in ended.text
            assert "refresh" not in ended.headers


async def test_a_secret_that_differs_is_said_to_differ_and_never_shown(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as gateway:
            hand = KongHand(gateway)
            service = hand.call("POST", "/services", {"name": "aaa-first", "url": "https://up.example/"})
            body = {"name": "session", "config": {"secret": "planted-plugin-secret-one"}}
            plugin = hand.call("POST", f"/services/{service['id']}/plugins", body)
            await _import_all(me, await _connect(me, gateway))
            product = await _first_product(me)
            hand.call("PATCH", f"/plugins/{plugin['id']}", {"config": {"secret": "planted-plugin-secret-two"}})
            here = f"/products/{product['id']}"
            shown = [await me.post(f"{here}/check")]
            shown += [await me.get(f"{here}{page}") for page in ("/compare", "/restore", "/accept", "/export")]
            assert "changed (hidden)" in shown[0].text
            for seen in shown:
                assert seen.status == 200
                assert "planted-" not in seen.html
