"""Names move at a gateway: products swap them, or take those of others. Nothing is hidden, mixed up or lost by it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.catalog.admin import make, remove, rename, swap
from tests.live import Aforo, Emulated, aforo, emulated

IMPORT = "/api/v1/products/import"


@asynccontextmanager
async def recorded(folder: Path, *names: str) -> AsyncIterator[tuple[Aforo, Emulated, str, dict[str, str]]]:
    """Services under these names, all imported; the ids of their products by name."""
    with emulated("kong", 0) as kong:
        async with aforo(folder) as mine:
            make(kong, *names)
            integration_id = await mine.connect(kong)
            products = await mine.import_all(integration_id)
            yield mine, kong, integration_id, {product["ref"]: product["id"] for product in products}


async def test_products_that_swapped_their_names_are_imported_together(tmp_path: Path) -> None:
    async with recorded(tmp_path, "a", "b") as (mine, kong, integration_id, ids):
        swap(kong, "a", "b")
        plan = await mine.preview(integration_id)
        assert [(row["ref"], row["productId"]) for row in plan["changes"]] == [("a", ids["b"]), ("b", ids["a"])]
        done = await mine.call("POST", IMPORT, {"planId": plan["planId"], "select": ["a", "b"]})
        assert {row["id"]: row["ref"] for row in done["updated"]} == {ids["a"]: "b", ids["b"]: "a"}
        assert (await mine.preview(integration_id))["summary"]["UNCHANGED"] == 2


async def test_one_of_two_swapped_products_alone_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with recorded(tmp_path, "a", "b") as (mine, kong, integration_id, ids):
        swap(kong, "a", "b")
        plan = await mine.preview(integration_id)
        refused = await mine.call("POST", IMPORT, {"planId": plan["planId"], "select": ["a"]}, 409)
        assert refused["code"] == "ref_taken"
        assert "import both" in refused["detail"]
        accept = await mine.call("POST", f"/api/v1/products/{ids['a']}/accept", {}, 409)
        assert accept["code"] == "ref_taken"
        done = await mine.call("POST", IMPORT, {"planId": plan["planId"], "select": ["a", "b"]})
        assert len(done["updated"]) == 2, "a refused import leaves its preview open"


async def test_a_product_under_the_name_of_one_that_is_gone_does_not_hide_it(tmp_path: Path) -> None:
    async with recorded(tmp_path, "a", "b") as (mine, kong, integration_id, ids):
        remove(kong, "b")
        rename(kong, "a", "b")
        plan = await mine.preview(integration_id)
        rows = {row["key"]: (row["ref"], row["status"], row["productId"]) for row in plan["changes"]}
        assert rows == {f"b#{ids['a']}": ("b", "CHANGED", ids["a"]), f"b#{ids['b']}": ("b", "STALE", ids["b"])}
        refused = await mine.call("POST", IMPORT, {"planId": plan["planId"], "select": ["b"]}, 409)
        assert refused["code"] == "ref_taken"
        await mine.call("DELETE", f"/api/v1/products/{ids['b']}", status=204)
        done = await mine.call("POST", IMPORT, {"planId": plan["planId"], "select": [f"b#{ids['a']}"]})
        assert [(row["id"], row["ref"]) for row in done["updated"]] == [(ids["a"], "b")]


async def test_a_new_product_under_a_name_that_another_gave_up_is_recorded_beside_it(tmp_path: Path) -> None:
    async with recorded(tmp_path, "a") as (mine, kong, integration_id, ids):
        rename(kong, "a", "b")
        make_again(kong)
        plan = await mine.preview(integration_id)
        assert {row["ref"]: row["status"] for row in plan["changes"]} == {"a": "NEW", "b": "CHANGED"}
        refused = await mine.call("POST", IMPORT, {"planId": plan["planId"], "select": ["a"]}, 409)
        assert refused["code"] == "ref_taken"
        done = await mine.call("POST", IMPORT, {"planId": plan["planId"], "select": ["a", "b"]})
        assert [row["ref"] for row in done["created"]] == ["a"]
        assert [(row["id"], row["ref"]) for row in done["updated"]] == [(ids["a"], "b")]


async def test_the_selection_page_keeps_rows_of_one_ref_apart(tmp_path: Path) -> None:
    async with recorded(tmp_path, "a", "b") as (mine, kong, integration_id, ids):
        remove(kong, "b")
        rename(kong, "a", "b")
        plan = await mine.preview(integration_id)
        cookie: Any = {"aforo_session": await mine.rooms.accounts.sign_in_with_key(mine.admin_key)}
        page = await mine.http.get(f"/previews/{plan['planId']}", cookies=cookie, headers={"Authorization": ""})
        assert page.status_code == 200
        assert page.text.count(f'value="b#{ids["a"]}"') == 1


def make_again(kong: Emulated) -> None:
    """Another service a; the route a-r is still the renamed one's."""
    from tests.catalog.admin import ask

    ask(kong, "POST", "/services", {"name": "a", "host": "other.internal"})
