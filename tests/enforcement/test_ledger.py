"""ledger.db: refuses rather than lies, and a killed process sells nothing twice."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from aforo.enforcement import Ledger
from aforo.enforcement.ledger import Writes
from aforo.kit.clock import HandClock
from tests.enforcement.parts import HARD_100, KEY, Edge, Shop, edge


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_a_ledger_that_cannot_be_written_gives_nothing_out_and_recovers(shop: Shop) -> None:
    customer, _ = shop.customer_on(shop.plan(shop.product(), quotas=[HARD_100 | {"units": "1000"}]))
    async with edge(shop.folder) as running:
        ledger = running.open.ledger
        ledger._write.execute("PRAGMA query_only = ON")
        refused = await running.post("/v1/check", {"customerId": customer}, status=503)
        assert refused["code"] == "ledger_unavailable"
        lease = {"customerId": customer, "want": 5, "nodeId": "n"}
        assert (await running.post("/v1/leases", lease, status=503))["code"] == "ledger_unavailable"
        assert await running.used(customer) == 0
        ledger._write.execute("PRAGMA query_only = OFF")
        running.clock.forward(2)
        assert (await running.check(customer))["remaining"] == 999
        assert (await running.post("/v1/leases", lease))["lease"]["units"] == 5


def test_a_failed_transaction_writes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db", 0)
    with pytest.raises(Exception, match="binding"):
        ledger.commit(Writes(settled=[(7, 1)], applied=[("live", 1)]))  # type: ignore[list-item]  # one value short
    assert ledger.settled_among([7]) == set()
    ledger.commit(Writes(settled=[(7, 1)]))
    assert ledger.settled_among([7, 8]) == {7}
    assert ledger._write.execute("PRAGMA synchronous").fetchone() == (2,)
    assert (tmp_path / "ledger.db").stat().st_mode & 0o777 == 0o600
    ledger.close(clean=True)


async def test_what_a_crash_may_have_stranded_is_shown(shop: Shop) -> None:
    customer, _ = shop.customer_on(shop.plan(shop.product(), quotas=[HARD_100 | {"units": "5000"}]))
    running = Edge(shop.folder, HandClock())
    await running.open.start(running.ingests.logs)
    await running.refresh()
    await running.check(customer)
    await running.crash()
    async with edge(shop.folder) as again:
        stranded = again.open.room.stranded()["chunks"]
        assert 0 < stranded <= 50 * 10**9
        # The last commit before the crash may, or may not yet, have known that the one call went out.
        assert await again.used(customer) - stranded // 10**9 in (0, 1)


def test_a_quota_is_not_oversold_when_the_edge_is_killed_again_and_again(shop: Shop) -> None:
    quota, kills = 1_000, 3
    customer, _ = shop.customer_on(
        shop.plan(shop.product(), quotas=[HARD_100 | {"units": str(quota), "period": "year"}])
    )
    allowed = [0]
    for life in range(kills + 1):
        process = subprocess.Popen(
            [sys.executable, "-m", "aforo.app.edge", "--data-dir", str(shop.folder), "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        port = json.loads(process.stderr.readline())["port"]
        until = quota if life == kills else allowed[0] + 150
        callers = [threading.Thread(target=_call, args=(port, customer, allowed, until)) for _ in range(4)]
        for caller in callers:
            caller.start()
        if life == kills:
            for caller in callers:
                caller.join()
            process.terminate()
        else:
            while allowed[0] < until and any(caller.is_alive() for caller in callers):
                callers[0].join(0.01)
            os.kill(process.pid, signal.SIGKILL)
        for caller in callers:
            caller.join()
        process.communicate()
    assert quota - kills * 10 - 4 * kills <= allowed[0] <= quota


def _call(port: int, customer: str, allowed: list[int], until: int) -> None:
    """Until refused, killed, or told; an answer that was not heard may have been a pass, so it is not counted."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": KEY}, timeout=10) as http:
        for _ in range(2_000):
            try:
                answer = http.post("/v1/check", json={"customerId": customer})
            except httpx2.HTTPError:
                return
            if answer.status_code != 200 or not answer.json()["allowed"]:
                return
            allowed[0] += 1
