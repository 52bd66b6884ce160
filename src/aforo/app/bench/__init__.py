"""`aforo bench`: each figure beside a reference measured in the same run on the same machine."""

import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

NAMES: Final = ("check", "decision", "dedupe", "ingest", "lease", "preview", "query")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `ratio` is against the reference of the same run; `holds` says whether the bar is met.

    `bar` reads like "own CPU ≤ 0.5 s", and is about `value` or `ratio` as it says.
    """

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float
    ratio: float
    bar: str
    holds: bool


def run(names: list[str], *, small: bool = False, keys: int | None = None) -> dict[str, Any]:
    """Run the named benchmarks, or all; machine facts and figures, ready for JSON. `keys` are those behind dedupe.

    Small runs take seconds and are held to an order of magnitude only, which their bar says; the bars themselves are
    for a machine that does nothing else.
    """
    from aforo.app.bench import check, decision, dedupe, ingest, lease, preview, query

    known: dict[str, Callable[..., list[Figure]]] = {
        "check": check.measure,
        "decision": decision.measure,
        "dedupe": partial(dedupe.measure, keys=keys),
        "ingest": ingest.measure,
        "lease": lease.measure,
        "preview": preview.measure,
        "query": query.measure,
    }
    figures = [asdict(figure) for name in names or NAMES for figure in known[name](small=small)]
    return {"machine": machine(), "figures": figures}


def magnitude(bar: str) -> str:
    """The bar of a small run, named as what it is."""
    return f"order of magnitude: {bar}"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    with open("/proc/cpuinfo") as file:  # noqa: PTH123  a kernel's file, not a path of ours
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()
