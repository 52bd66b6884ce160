"""From a consumer's call through the emulated gateway to the real edge: within quota, beyond it, and forged."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateways.apigee.metered import Metered, metered

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Metered]:
    folder: Path = tmp_path_factory.mktemp("aforo")
    async with metered(folder) as running:
        yield running


async def test_calls_within_the_quota_pass_with_headers_and_beyond_it_never_reach_the_backend(gateway: Metered) -> None:
    buyer = await gateway.buyer(units=3)
    async with gateway.attached():
        answers = [await gateway.call(buyer.secret) for _ in range(5)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
        assert [one.headers["x-aforo-remaining"] for one in answers[:3]] == ["2", "1", "0"]
        assert {one.headers["x-aforo-plan"] for one in answers[:3]} == {buyer.plan}
        refused = answers[3]
        assert set(refused.json()) == {"message", "retryAfter"}
        assert refused.headers["retry-after"] == str(refused.json()["retryAfter"])
        assert int(refused.headers["retry-after"]) > 0
        assert gateway.proxying.backend_calls == {"orders-v1": 3}
        events = await gateway.events(buyer.customer_id)
        assert len(events) == 3
