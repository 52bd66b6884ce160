"""Lives of an edge under load, each ended by kill -9 with the loss of unsynced bytes; then everything is counted.

Everything runs on this machine's loopback, in child processes of its own and a folder of its own, and ends by itself.
"""

import random
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aforo.app.torture import verdict
from aforo.app.torture.buyers import Buyer
from aforo.app.torture.client import Client, Door
from aforo.app.torture.disk import CannotTorture, Disk, Weather, build
from aforo.app.torture.senders import Batch, Sender
from aforo.app.torture.stage import Life, Stage, prepare
from aforo.app.torture.tally import Tally

__all__ = ["MUTANTS", "CannotTorture", "run"]

MUTANTS: Final = ("log", "ledger")
_SENDERS: Final = 3
_BUYERS: Final = 2
_METERS: Final = 7
_MOST_SECONDS: Final = 0.8
"""So long at most an edge lives under load before it is killed."""
_FAIR: Final = Weather(slow_us=2_000)


@dataclass(slots=True)
class _Clients:
    door: Door
    senders: list[Sender]
    buyers: list[Buyer]
    bought: list[Batch]
    threads: list[threading.Thread]


def run(kills: int = 100, *, mutant: str = "none", seed: int | None = None) -> dict[str, Any]:
    """What was done, and each promise that was broken. `seed` repeats the choices, though not the moments.

    Raises CannotTorture where no C compiler is found.
    """
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    chance, began = _dice(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aforo-torture-") as name:
        folder = Path(name).resolve()
        (folder / "side").mkdir()
        stage = prepare(folder / "var", 3 + kills // 2, _METERS)
        disk, tally = Disk(stage.folder, folder / "side", build(folder)), Tally()
        clients = _start(stage, tally, chance)
        killed = 0
        try:
            while killed < kills and not tally.violations:
                killed += _live_and_die(stage, disk, mutant, clients.door, tally, chance)
        finally:
            clients.door.end()
            for thread in clients.threads:
                thread.join()
        _last_life(stage, disk, mutant, clients, tally)
    promises, unsynced = verdict.of_syncs(disk.syncs, tally)
    violations = [*tally.violations, *unsynced]
    return {
        "kills": killed,
        "mutant": mutant,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "acknowledgedEvents": len(tally.acknowledged),
        "unitsGiven": sum(tally.spent.values()),
        **{name: tally.counts[name] for name in ("checks", "leases", "refusedForNow")},
        "promisesWithSync": promises,
        "lostWrites": disk.lost_writes,
        "tornFiles": disk.torn_files,
        "violations": violations,
        "holds": not violations,
    }


def _start(stage: Stage, tally: Tally, chance: random.Random) -> _Clients:
    door, bought = Door(), list[Batch]()
    senders = [
        Sender(f"s{number}", stage, Client(door, stage.key), tally, _dice(chance.random()))
        for number in range(_SENDERS)
    ]
    senders[0].open = bought
    buyers = [
        Buyer(f"b{number}", stage, Client(door, stage.key), tally, _dice(chance.random()), bought)
        for number in range(_BUYERS)
    ]
    work = [*(one.run for one in senders), *(one.run for one in buyers)]
    threads = [threading.Thread(target=one, daemon=True) for one in work]
    for thread in threads:
        thread.start()
    return _Clients(door, senders, buyers, bought, threads)


def _dice(seed: float) -> random.Random:
    """Choices that a run with the same seed makes again."""
    return random.Random(seed)  # noqa: S311  a secure source could not be seeded; nothing here is secret


def _live_and_die(stage: Stage, disk: Disk, mutant: str, door: Door, tally: Tally, chance: random.Random) -> int:
    """One life under load; 1 when it was killed, 0 when a faulty disk kept it from starting."""
    weather = _weather(chance)
    life = Life(stage, disk, weather, mutant)
    port = life.port()
    if port is None:
        life.kill()
        disk.lose(chance)
        if not weather.faults:
            tally.violated(f"the edge did not start again: {life.last_words()}")
        return 0
    door.open(port)
    time.sleep(chance.uniform(0.02, _MOST_SECONDS))
    if life.ended_by_itself:
        tally.violated(f"the edge ended by itself: {life.last_words()}")
    life.kill()
    door.open(None)
    disk.lose(chance)
    return 1


def _weather(chance: random.Random) -> Weather:
    return Weather(
        slow_us=chance.choice((500, 2_000, 20_000)),
        faults=chance.choice((0, 0, 0, 5)),
        clock_seconds=chance.choice((0, 0, 0, -3_600, 3_600)),
    )


def _last_life(stage: Stage, disk: Disk, mutant: str, clients: _Clients, tally: Tally) -> None:
    """On a good disk: send what is open, buy out every quota, and hold everything against the log."""
    life = Life(stage, disk, _FAIR, mutant)
    port = life.port()
    if port is None:
        life.kill()
        tally.violated(f"the edge did not start again: {life.last_words()}")
        return
    door = clients.door = Door(port)
    client = Client(door, stage.key)
    for sender in clients.senders:
        sender.through(client)
        sender.flush()
    Buyer("last", stage, client, tally, _dice(0), clients.bought).drain()
    tally.violations += verdict.of_quotas(tally)
    clients.senders[0].flush()
    tally.violations += verdict.of_counters(client, stage, stage.folder, tally)
    client.close()
    if life.stop() != 0:
        tally.violated(f"the edge did not end as asked: {life.last_words()}")
    disk.settle()
    stored = verdict.Stored(stage.folder)
    tally.violations += [*verdict.of_events(stored, tally), *verdict.of_sums(stage.folder, stage, stored)]
