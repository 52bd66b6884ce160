"""What a torture came to, for people."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text


def report(told: dict[str, Any]) -> RenderableType:
    """What was done in one paragraph, then each broken promise, or that there is none."""
    done = (
        f"{told['kills']} kills in {told['seconds']:,.0f} s (seed {told['seed']}, mutant {told['mutant']}).\n"
        f"{told['acknowledgedEvents']:,} events acknowledged; {told['unitsGiven']:,} units given out by "
        f"{told['checks']:,} checks and {told['leases']:,} leases; {told['refusedForNow']:,} requests put off.\n"
        f"{told['lostWrites']:,} unsynced writes lost, {told['tornFiles']:,} files torn; "
        f"{told['promisesWithSync']:,} answers looked at for the sync before them."
    )
    if told["holds"]:
        return Group(done, Text("Every promise was kept.", "bold green"))
    return Group(done, *(Text(f"Broken: {one}", "bold red") for one in told["violations"]))
