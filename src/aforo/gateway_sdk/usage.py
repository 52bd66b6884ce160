"""What a gateway's own analytics say was called: coarse, late, and beside what artifacts meter.

A gateway that tells has a part `usage` with `connect(connection) -> UsagePull`, and states in its manifest's `usage`
how fine, how late and how exact its figures are.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DailyCalls:
    """Calls of one day, as the vendor has counted them.

    day         in the zone that the manifest names
    counter     whatever the vendor counts by, such as a usage plan; (day, counter, credential) comes once in a pull
    products    native ids of those that the figure is of; several where the vendor counts them together, none where it
                knows no product
    credential  the vendor's id, or None where the figure is of no single one; never a secret
    """

    day: date
    counter: str
    products: tuple[str, ...]
    credential: str | None
    calls: int


class UsagePull(Protocol):
    """Every call may raise a `GatewayError`, and nothing else that is expected."""

    def pull(self, first: date, last: date) -> AsyncIterator[DailyCalls]:
        """All figures of these days, both included; those of 0 calls may be left out.

        Complete, or it raises; what came before is then true, but proves nothing about what did not come.
        """
        ...

    async def aclose(self) -> None: ...
