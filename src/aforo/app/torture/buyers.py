"""Clients that use up HARD quotas: checks and leases, some of them settled."""

import json
import random
import time
from typing import Any, Final

from aforo.app.torture.client import Client, Ended
from aforo.app.torture.disk import LEDGER
from aforo.app.torture.senders import Batch, batch
from aforo.app.torture.stage import Stage
from aforo.app.torture.tally import Lease, Tally

_LEASES: Final = 0.6
_SETTLED: Final = 0.3


class Buyer:
    """Runs in a thread of its own until the door ends. Events of its decisions go to `events`, for a sender."""

    def __init__(
        self, name: str, stage: Stage, client: Client, tally: Tally, chance: random.Random, events: list[Batch]
    ) -> None:
        self._name = name
        self._client = client
        self._tally = tally
        self._chance = chance
        self._events = events
        self._made = 0
        self._left = list(stage.buyers)

    def run(self) -> None:
        try:
            while True:
                self._one()
        except Ended:
            self._client.close()

    def drain(self) -> None:
        """Buy whatever is left of all quotas, to the last unit."""
        while self._left:
            if not self._lease(self._left[0], 200):
                self._check(self._left[0], 1)

    def _one(self) -> None:
        if not self._left:
            time.sleep(0.05)
            self._client.post("/v1/check", b"{}")
            return
        customer = self._chance.choice(self._left)
        if self._chance.random() < _LEASES:
            self._lease(customer, self._chance.randint(1, 20))
        else:
            self._check(customer, self._chance.randint(1, 3))
        if self._tally.leases and self._chance.random() < _SETTLED:
            self._settle()

    def _lease(self, customer: str, want: int) -> bool:
        """Whether there was one."""
        told = self._asked("/v1/leases", {"customerId": customer, "want": want, "nodeId": self._name, "epoch": 1})
        if told is None or "lease" not in told:
            return False
        lease = Lease(told["lease"]["id"], customer, int(told["lease"]["units"]))
        with self._tally.lock:
            self._tally.spent[customer] += lease.units
            self._tally.leases.append(lease)
            self._tally.counts["leases"] += 1
        self._tally.promised(LEDGER, self._client.window)
        return True

    def _check(self, customer: str, units: int) -> None:
        told = self._asked("/v1/check", {"customerId": customer, "units": units})
        if told is None:
            return
        if not told["allowed"]:
            if told["reason"] != "quota_exceeded":
                self._tally.violated(f"a check was refused for {told['reason']}")
            if units == 1 and customer in self._left:
                self._left.remove(customer)
            return
        with self._tally.lock:
            self._tally.spent[customer] += units
            self._tally.counts["checks"] += 1
        if self._chance.random() < _SETTLED:
            self._made += 1
            name = f"{self._name}-{self._made}"
            self._events.append(batch(name, customer, [units], decisionId=told["decisionId"]))

    def _settle(self) -> None:
        """Say that a lease's units were not all spent; what was not is for sale again from this moment on."""
        with self._tally.lock:
            lease = self._tally.leases.pop(self._chance.randrange(len(self._tally.leases)))
            used = self._chance.randint(0, lease.units)
            self._tally.spent[lease.customer] -= lease.units - used
        told = self._client.post(f"/v1/leases/{lease.id}/settle", json.dumps({"used": used, "final": True}).encode())
        if told is not None and told[0] == 404:
            self._tally.violated("a lease that was given is not known any more")
        elif told is not None and told[0] == 200:
            self._tally.promised(LEDGER, self._client.window)

    def _asked(self, path: str, body: dict[str, Any]) -> Any:
        """The answer, or None where there was none, or one that gave nothing out."""
        told = self._client.post(path, json.dumps(body).encode())
        if told is not None and told[0] == 503:
            self._tally.counts["refusedForNow"] += 1
            time.sleep(0.02)
            return None
        if told is not None and told[0] != 200:
            self._tally.violated(f"{path} was answered {told[0]} {told[1]}")
            return None
        return None if told is None else told[1]
