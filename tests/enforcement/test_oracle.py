"""Check, settle, event, lease, crash and restart in any order against a plain model of what was sold."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aforo.kit.clock import HandClock
from tests.enforcement.parts import HARD_100, Edge, Shop

HARD_LIMIT, SOFT_LIMIT = 120, 60
units = st.integers(1, 12)


@dataclass
class Call:
    """A decision or lease as the model sees it: what it holds, what it was settled with, and whether for good."""

    token: str
    held: int
    hard: bool
    seen: int = 0
    used: int | None = None

    def counts(self) -> int:
        """What a lease moved."""
        spent = max(self.used or 0, self.seen)
        return spent if self.used is not None else max(self.held, self.seen)


class Sold(RuleBasedStateMachine):
    """Two customers: one with a HARD quota, one with a SOFT one. The model never looks into the room."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="aforo-oracle-"))
        shop, self.clock, self.runner = Shop(self.folder), HandClock(), asyncio.Runner()
        quotas = {True: ("HARD", HARD_LIMIT), False: ("SOFT", SOFT_LIMIT)}
        self.customers = {
            hard: shop.customer_on(shop.plan(shop.product(), quotas=[HARD_100 | {"mode": mode, "units": str(limit)}]))[
                0
            ]
            for hard, (mode, limit) in quotas.items()
        }
        self.calls: list[Call] = []
        self.leases: list[Call] = []
        self.unnamed = {True: 0, False: 0}
        self.settled = {True: 0, False: 0}
        self.open: dict[str, Call] = {}
        self.crashes = 0
        self._start()

    def _start(self) -> None:
        async def start() -> Edge:
            edge = Edge(self.folder, self.clock)
            await edge.open.start(edge.ingests.logs)
            await edge.refresh()
            return edge

        self.edge = self.runner.run(start())

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self.runner.run(self.edge.post(path, body))

    def _used(self, hard: bool) -> int:
        """By the model: settled and unnamed use, what is reserved, what leases hold."""
        reserved = sum(call.held for call in self.open.values() if call.hard is hard)
        leased = sum(lease.counts() for lease in self.leases if lease.hard is hard)
        return self.settled[hard] + self.unnamed[hard] + reserved + leased

    @rule(amount=units, hard=st.booleans())
    def check(self, amount: int, hard: bool) -> None:
        answer = self._post("/v1/check", {"customerId": self.customers[hard], "units": amount})
        fits = self._used(hard) + amount <= HARD_LIMIT
        if answer["allowed"]:
            assert fits or not hard
            call = Call(answer["decisionId"], amount, hard)
            self.calls.append(call)
            self.open[call.token] = call
        else:
            assert hard
            assert not fits or self.crashes

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), quantity=units, by_call=st.booleans())
    def settle(self, data: st.DataObject, quantity: int, by_call: bool) -> None:
        call = data.draw(st.sampled_from(self.calls))
        if by_call:
            moved = self._post(f"/v1/decisions/{call.token}/settle", {"used": quantity})["moved"]
            assert moved is (call.used is None)
        else:
            self.runner.run(self.edge.ingest({"decisionId": call.token, "quantity": quantity}))
        if call.used is None:
            call.used = quantity
            self.settled[call.hard] += quantity
            self.open.pop(call.token, None)

    @rule(quantity=units, hard=st.booleans())
    def unnamed_event(self, quantity: int, hard: bool) -> None:
        self.runner.run(self.edge.ingest({"customerId": self.customers[hard], "quantity": quantity}))
        self.unnamed[hard] += quantity

    @rule(want=st.integers(1, 40), hard=st.booleans())
    def lease(self, want: int, hard: bool) -> None:
        answer = self._post("/v1/leases", {"customerId": self.customers[hard], "want": want, "nodeId": "n"})
        if "lease" in answer:
            held = answer["lease"]["units"]
            assert held <= want
            assert self._used(hard) + held <= HARD_LIMIT or not hard
            self.leases.append(Call(answer["lease"]["id"], held, hard))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), quantity=units, by_call=st.booleans())
    def spend_lease(self, data: st.DataObject, quantity: int, by_call: bool) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        if not by_call:
            self.runner.run(self.edge.ingest({"leaseId": lease.token, "quantity": quantity}))
            lease.seen += quantity
        elif lease.used is None:
            self._post(f"/v1/leases/{lease.token}/settle", {"used": quantity, "final": True})
            lease.used = quantity

    @rule()
    def crash(self) -> None:
        """Reservations of SOFT quotas are forgotten as if they had expired; everything else is as it was."""
        self.runner.run(self.edge.crash())
        self.crashes += 1
        self.open = {token: call for token, call in self.open.items() if call.hard}
        self._start()

    @rule()
    def restart(self) -> None:
        self.runner.run(self.edge.aclose())
        self.open = {token: call for token, call in self.open.items() if call.hard}
        self._start()

    @invariant()
    def nothing_is_lost_and_little_is_stranded(self) -> None:
        if not hasattr(self, "edge"):
            return
        hard, soft = (self.runner.run(self.edge.used(self.customers[kind])) for kind in (True, False))
        assert soft == max(0, self._used(False))
        assert self._used(True) <= hard <= self._used(True) + self.crashes

    def teardown(self) -> None:
        if hasattr(self, "edge"):
            self.runner.run(self.edge.aclose())
            self.runner.close()
            shutil.rmtree(self.folder, ignore_errors=True)


class TestWhatIsSold(Sold.TestCase):  # type: ignore[misc,valid-type]  # hypothesis makes the base while running
    settings = settings(max_examples=5, stateful_step_count=20, deadline=None)


@pytest.mark.long
class TestWhatIsSoldForLong(Sold.TestCase):  # type: ignore[misc,valid-type]  # as above
    settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
