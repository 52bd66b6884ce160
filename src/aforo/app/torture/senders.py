"""Clients that meter: batches of events, sent until they are acknowledged, in another order, and some again later."""

import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from aforo.app.torture.client import Client, Ended
from aforo.app.torture.disk import SEGMENT
from aforo.app.torture.stage import Stage
from aforo.app.torture.tally import Tally

_MOST: Final = 30
_AGAIN: Final = 0.15
_LATER: Final = 8
_AGO: Final = timedelta(hours=3)
"""So that also an edge whose clock is an hour behind finds no event in its future."""


@dataclass(frozen=True, slots=True)
class Batch:
    keys: tuple[str, ...]
    body: bytes


def batch(name: str, customer: str, quantities: list[int], **members: str) -> Batch:
    """Events of one customer; their keys begin with `name`."""
    at = (datetime.now(UTC) - _AGO).isoformat()
    keys = tuple(f"{name}-{number}" for number in range(len(quantities)))
    events = [
        {
            "customerId": customer, "metricName": "api_calls", "quantity": quantity, "occurredAt": at,
            "idempotencyKey": key, **members,
        }
        for key, quantity in zip(keys, quantities, strict=True)
    ]  # fmt: skip
    return Batch(keys, json.dumps({"events": events}).encode())


class Sender:
    """Runs in a thread of its own until the door ends."""

    def __init__(self, name: str, stage: Stage, client: Client, tally: Tally, chance: random.Random) -> None:
        self._name = name
        self._stage = stage
        self._client = client
        self._tally = tally
        self._chance = chance
        self._made = 0
        self._done: list[Batch] = []
        self.open: list[Batch] = []

    def run(self) -> None:
        try:
            while True:
                self._send(self._next())
        except Ended:
            self._client.close()

    def through(self, client: Client) -> None:
        """From now on send by this one."""
        self._client = client

    def flush(self) -> None:
        """Send what nobody acknowledged yet."""
        while self.open:
            self._send(self.open.pop())

    def _next(self) -> Batch:
        if self._done and self._chance.random() < _AGAIN:
            return self._chance.choice(self._done)
        if self.open and (len(self.open) > _LATER or self._chance.random() < 0.5):
            return self.open.pop(self._chance.randrange(len(self.open)))
        self._made += 1
        quantities = [self._chance.randint(1, 5) for _ in range(self._chance.randint(1, _MOST))]
        return batch(f"{self._name}-{self._made}", self._chance.choice(self._stage.meters), quantities)

    def _send(self, sent: Batch) -> None:
        known = sent.keys[0] in self._tally.acknowledged
        told = self._client.post("/v1/ingest", sent.body)
        if told is None or told[0] in (429, 503):
            if not known:
                self.open.append(sent)
            if told is not None:
                self._tally.counts["refusedForNow"] += 1
                time.sleep(0.02)
            return
        status, answer = told
        if status != 202 or answer["accepted"] + answer["duplicates"] != len(sent.keys):
            self._tally.violated(f"a batch was answered {status} {answer}")
            return
        if known and answer["accepted"]:
            self._tally.violated(f"{answer['accepted']} acknowledged events were taken for new ones")
        if answer["accepted"]:
            self._tally.promised(SEGMENT, self._client.window)
        if not known:
            with self._tally.lock:
                self._tally.acknowledged.update(sent.keys)
            self._done = [*self._done[-200:], sent]
