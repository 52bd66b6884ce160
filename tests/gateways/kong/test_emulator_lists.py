"""Lists of the Kong emulator: pages, offsets and tags behave so that a careless client is caught."""

from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.kong.emulator import KongEmulator, create, seed


def calling(app: KongEmulator) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://kong")


def seeded(size: int, page_size: int = 100) -> KongEmulator:
    state = StateFile()
    seed(state, size)
    return create(state, page_size=page_size)


async def all_pages(client: httpx2.AsyncClient, path: str) -> list[list[dict[str, Any]]]:
    pages, following = [], path
    while following:
        body = (await client.get(following)).json()
        pages.append(body["data"])
        assert ("offset" in body) == (body["next"] is not None)
        following = body["next"]
    return pages


@settings(max_examples=20, deadline=None)
@given(page_size=st.integers(1, 30), asked=st.none() | st.integers(1, 30))
async def test_following_next_shows_every_entity_exactly_once_in_id_order(page_size: int, asked: int | None) -> None:
    async with calling(seeded(12, page_size)) as client:
        for path in ("services", "routes", "plugins", "tags"):
            query = "" if asked is None else f"?size={asked}"
            pages = await all_pages(client, f"/{path}{query}")
            rows = [row for page in pages for row in page]
            everything = (await client.get(f"/{path}?size=1000")).json()["data"]
            assert rows == everything
            assert all(len(page) == (asked or page_size) for page in pages[:-1])
            if path != "tags":
                assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})


async def test_a_row_that_is_deleted_between_two_pages_costs_no_other_row() -> None:
    async with calling(seeded(12, page_size=4)) as client:
        everything = [row["id"] for row in (await client.get("/plugins?size=1000")).json()["data"]]
        first = (await client.get("/plugins")).json()
        await client.delete(f"/plugins/{first['data'][-1]['id']}")
        rest = [row["id"] for page in await all_pages(client, first["next"]) for row in page]
        assert [row["id"] for row in first["data"]] + rest == everything


async def test_a_nested_list_ignores_the_tag_filter_that_a_top_list_obeys() -> None:
    async with calling(seeded(12)) as client:
        nested = "/services/payments-v2/routes"
        assert (await client.get(f"{nested}?tags=nobody")).json() == (await client.get(nested)).json()
        assert (await client.get("/routes?tags=nobody")).json()["data"] == []
        both = (await client.get("/services?tags=team-money,v2")).json()["data"]
        assert [row["name"] for row in both] == ["payments-v2"]


async def test_a_nested_page_leads_on_to_the_next_nested_page() -> None:
    async with calling(seeded(12, page_size=1)) as client:
        pages = await all_pages(client, "/services/payments-v2/routes")
        assert [len(page) for page in pages] == [1, 1]


@pytest.mark.parametrize("offset", ["%", "WyJh", "eyJhIjoxfQ"])
async def test_an_offset_that_this_kind_of_node_never_gave_is_refused(offset: str) -> None:
    async with calling(seeded(1)) as client:
        answer = await client.get("/services", params={"offset": offset})
        assert (answer.status_code, answer.json()["code"], answer.json()["name"]) == (400, 7, "invalid offset")


async def test_the_same_entity_posted_again_after_a_delete_has_another_id() -> None:
    async with calling(create(StateFile())) as client:
        first = (await client.post("/consumers", json={"username": "acme"})).json()["id"]
        await client.delete("/consumers/acme")
        assert (await client.post("/consumers", json={"username": "acme"})).json()["id"] != first


async def test_members_are_answered_in_another_order_than_they_were_sent() -> None:
    sent = {
        "name": "a",
        "protocol": "http",
        "host": "h.example",
        "port": 1,
        "path": "/x",
        "retries": 1,
        "tags": ["z", "a"],
    }
    async with calling(create(StateFile())) as client:
        answered = (await client.post("/services", json=sent)).json()
        assert [name for name in answered if name in sent] != list(sent)
        assert {name: answered[name] for name in sent} == sent
