"""Numbers and names of any size are answered, never with a failure of ours."""

from pathlib import Path

import pytest

from aforo.accounts import SESSION_COOKIE
from tests.catalog.admin import ask, make
from tests.live import aforo, emulated


@pytest.mark.parametrize(("version", "status"), [(10**30, 422), (2**63, 422), (0, 422), (-1, 422), (2, 404)])
async def test_a_version_that_cannot_be_is_refused_and_one_that_is_not_there_is_not_found(
    tmp_path: Path, version: int, status: int
) -> None:
    with emulated("kong", 1) as kong:
        async with aforo(tmp_path) as mine:
            (product,) = await mine.import_all(await mine.connect(kong))
            answer = await mine.http.post(f"/api/v1/products/{product['id']}/restore", json={"version": version})
            assert answer.status_code == status, answer.text
            cookie = await mine.rooms.accounts.sign_in_with_key(mine.admin_key)
            page = await mine.http.get(
                f"/products/{product['id']}/restore?version={version}",
                headers={"Cookie": f"{SESSION_COOKIE}={cookie}", "Authorization": ""},
            )
            assert page.status_code == status, page.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/products/preview", {"integrationId": "x" * 10_000}),
        ("/products/import", {"planId": "x" * 10_000, "select": ["a"]}),
        ("/products/import", {"planId": "prev_1", "select": ["a" * 10_000]}),
        ("/products/prod_1/ignore", {"path": "/a/" + "b" * 10_000}),
        ("/products/prod_1/restore", {"observed": "x" * 10_000}),
        ("/products/prod_1/restore", {"remove": ["x" * 10_000]}),
        ("/products/prod_1/accept", {"observed": "x" * 10_000}),
    ],
)
async def test_names_longer_than_any_gateway_allows_are_invalid(
    tmp_path: Path, path: str, body: dict[str, object]
) -> None:
    async with aforo(tmp_path) as mine:
        refused = await mine.call("POST", f"/api/v1{path}", body, 422)
        assert refused["code"] == "invalid"


async def test_what_a_preview_job_found_is_at_rest_only_sealed_and_its_reader_gets_it_whole(tmp_path: Path) -> None:
    with emulated("kong", 0) as kong:
        async with aforo(tmp_path) as mine:
            make(kong, "orders")
            integration_id = await mine.connect(kong)
            await mine.import_all(integration_id)
            ask(kong, "PATCH", "/services/orders", {"host": "captured-and-not-to-be-read.internal"})
            await mine.preview(integration_id)
            started = await mine.http.post(
                "/api/v1/products/preview", json={"integrationId": integration_id}, headers={"Prefer": "respond-async"}
            )
            job_id = started.json()["jobId"]
            job = {"state": "RUNNING"}
            while job["state"] == "RUNNING":
                job = await mine.call("GET", f"/api/v1/jobs/{job_id}")
            assert "captured-and-not-to-be-read" in str(job["result"])
            for file in mine.rooms.settings.records_path.parent.glob("records.db*"):
                assert b"captured-and-not-to-be-read" not in file.read_bytes()
