"""Every operation of the OpenAPI document is sent generated requests; what comes back is what the document says.

Never 500, never a status, media type, header or body that the document does not name. Requests are generated from the
document, valid and invalid ones, with ids that are there and ids that are not.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from aforo.app.api import create
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms
from tests.live import emulated, migrated, serving

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
CHANGES_LAST = ("get", "post", "put", "patch", "delete")
"""So that what is there stays there for most of the run."""


@dataclass
class Api:
    """A served Aforo with something in it."""

    url: str
    key: str
    ids: dict[str, str]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    chosen = Settings(data_dir=tmp_path / "var", edge_port=9)
    migrated(chosen.records_path)

    async def first_key() -> str:
        rooms = open_rooms(chosen)
        key = await rooms.accounts.ensure_first()
        await rooms.aclose()
        assert key
        return key

    with ThreadPoolExecutor(1) as beside:
        key = beside.submit(lambda: asyncio.run(first_key())).result()
    with emulated("kong", 4) as kong, serving(create(open_rooms(chosen))) as url:
        yield Api(url, key, _fill(url, key, kong.settings))


def _fill(url: str, key: str, settings: dict[str, str]) -> dict[str, str]:
    """One of each thing; by the name that the document gives its id in paths."""
    with httpx2.Client(base_url=url, headers={"X-API-Key": key}, trust_env=False, timeout=30) as http:

        def made(path: str, body: object) -> Any:
            answer = http.post(f"/api/v1{path}", json=body)
            assert answer.is_success, answer.text
            return answer.json()

        there = made("/integrations", {"name": "k", "gateway": "kong", "signIn": "none", "settings": settings})
        plan = made("/products/preview", {"integrationId": there["id"]})
        rows = [row["ref"] for row in plan["changes"]]
        products = made("/products/import", {"planId": plan["planId"], "select": rows})["created"]
        selling = made("/plans", {"key": "pro", "name": "Pro", "currency": "EUR", "productIds": [products[0]["id"]]})
        customer = made("/customers", {"externalId": "acme", "name": "Acme"})
        made(f"/plans/{selling['id']}/publish", {})
        subscription = made("/subscriptions", {"customerId": customer["id"], "planId": selling["id"]})
        bills = http.get("/api/v1/statements").json()["data"]
        return {
            "subscription_id": subscription["id"],
            "statement_id": bills[0]["id"],
            "integration_id": there["id"],
            "product_id": products[0]["id"],
            "plan_id": selling["id"],
            "customer_id": customer["id"],
            "name": "api_calls",
        }


@pytest.mark.parametrize("examples", [pytest.param(2, id="short"), pytest.param(60, id="long", marks=pytest.mark.long)])
def test_every_answer_to_a_generated_request_is_one_that_the_document_names(api: Api, examples: int) -> None:
    document = requests.get(f"{api.url}/openapi.json", timeout=30).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=api.url)
    operations = sorted(
        (found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)),
        key=lambda one: CHANGES_LAST.index(one.method),
    )
    assert len(operations) >= 70
    told: list[str] = []
    with requests.Session() as session:
        session.trust_env = False
        for operation in operations:
            if _never_ends(operation):
                continue
            for mode in GenerationMode:
                told += _fuzz(operation, mode, api, session, examples)
    assert told == [], "\n\n".join(told)


def _never_ends(operation: schemathesis.APIOperation[Any, Any, Any, Any]) -> bool:
    """A stream answers for as long as somebody listens; tests/usage listens to it."""
    good = operation.definition.raw["responses"].get("200", {})
    return "text/event-stream" in good.get("content", {})


def _fuzz(
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    api: Api,
    session: requests.Session,
    examples: int,
) -> list[str]:
    told: dict[str, str] = {}

    @seed(1)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    def run(case: schemathesis.Case[Any], there: bool) -> None:
        if there:
            case.path_parameters.update({name: api.ids[name] for name in case.path_parameters if name in api.ids})
        answer = case.call(session=session, headers={"Authorization": f"Bearer {api.key}"}, timeout=30)
        fault = f"{answer.status_code}: {answer.text[:300]}" if answer.status_code == 500 else None
        try:
            case.validate_response(answer, checks=CHECKS)
        except* Failure as failures:
            fault = str(failures.exceptions[0])
        if fault:
            told.setdefault(fault[:60], f"{operation.label} ({mode.value}): {case.as_curl_command()}\n{fault}")

    try:
        run()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label  # nothing can be wrong with what takes nothing
    return list(told.values())
