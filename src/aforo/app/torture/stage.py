"""What the torture stands on: a data folder with customers, and lives of an edge over it that end by kill -9."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aforo.app.records import upgrade
from aforo.app.settings import Settings
from aforo.app.torture.disk import Disk, Weather
from aforo.app.wiring import Rooms, open_rooms
from aforo.customers.shapes import NewCustomer, NewPlan, NewSubscription

QUOTA: Final = 1_000
"""Units that each buyer may have; the plan refuses what goes beyond."""
_READY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """`buyers` have a HARD quota; `meters` are only metered, with one that lets everything pass."""

    folder: Path
    key: str
    tenant_id: str
    buyers: tuple[str, ...]
    meters: tuple[str, ...]


def prepare(folder: Path, buyers: int, meters: int) -> Stage:
    return asyncio.run(_prepare(folder, buyers, meters))


async def _prepare(folder: Path, buyers: int, meters: int) -> Stage:
    settings = Settings(data_dir=folder)
    upgrade(settings.records_path)
    rooms = open_rooms(settings)
    try:
        key = await rooms.accounts.ensure_first()
        tenant_id = (await rooms.accounts.tenants())[0].id
        hard = await _customers(rooms, tenant_id, buyers, "HARD")
        soft = await _customers(rooms, tenant_id, meters, "SOFT")
    finally:
        await rooms.aclose()
    return Stage(folder, str(key), tenant_id, hard, soft)


async def _customers(rooms: Rooms, tenant_id: str, count: int, mode: str) -> tuple[str, ...]:
    """On a plan without products, which is enforced. Its period is a year, so that a run seldom meets its end."""
    quota = {"metric": "api_calls", "units": str(QUOTA), "period": "year", "mode": mode}
    new = NewPlan.model_validate({"key": mode.lower(), "currency": "EUR", "quotas": [quota]})
    plan = await rooms.customers.plans.create(tenant_id, new)
    await rooms.customers.plans.publish(tenant_id, plan.id)
    made = []
    for number in range(count):
        customer = await rooms.customers.customers.create(tenant_id, NewCustomer(name=f"{mode} {number}"))
        wanted = NewSubscription(customer_id=customer.id, plan_id=plan.id)
        await rooms.customers.subscriptions.create(tenant_id, wanted)
        made.append(customer.id)
    return tuple(made)


class Life:
    """One edge process, in a process group of its own."""

    def __init__(self, stage: Stage, disk: Disk, weather: Weather, mutant: str) -> None:
        self._said = disk.side.parent / "edge.log"
        command = [sys.executable, "-m", "aforo.app.torture.child", str(stage.folder), mutant]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(  # noqa: S603  our own module
                command, env=disk.environment(weather), stderr=said, stdout=said, start_new_session=True
            )

    def port(self) -> int | None:
        """Waits until it listens and has its grants; None when it ended instead, as it may on a faulty disk."""
        until = time.monotonic() + _READY_SECONDS
        while self._process.poll() is None and time.monotonic() < until:
            for said in self._lines():
                if "port" in said:
                    return int(said["port"])
            time.sleep(0.02)
        return None

    @property
    def ended_by_itself(self) -> bool:
        return self._process.poll() is not None

    def last_words(self) -> str:
        return self._said.read_text(errors="replace")[-2_000:]

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """Its exit status after SIGTERM."""
        self._process.terminate()
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1

    def _lines(self) -> list[dict[str, Any]]:
        """Whole lines only; the last one may still be being written."""
        whole = self._said.read_text(errors="replace").rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]
