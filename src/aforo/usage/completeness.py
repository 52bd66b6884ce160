"""The completeness certificate: is everything there that a node numbered?"""

from pathlib import Path
from typing import Final

import msgspec

from aforo.accounts import Caller
from aforo.usage.rollups import RollupReader
from aforo.usage.rollups.reader import Node, Selection
from aforo.usage.rules.cells import QUARTER_NS
from aforo.usage.rules.moment import text_of
from aforo.usage.rules.sequences import Hole, holes

_MOST_NAMED: Final = 1_000


class Missing(msgspec.Struct, frozen=True, rename="camel"):
    """The numbers `first` to `last` are missing; they lie between events that occurred at these times."""

    first: int
    last: int
    after: str | None
    before: str


class Repeated(msgspec.Struct, frozen=True):
    """A number that came again, so many times more. It was counted once if its event was the same."""

    seq: int
    times: int


class NodeCertificate(msgspec.Struct, frozen=True, rename="camel"):
    """One epoch of one node. `received` are the period's events; holes are those in which such an event may lie."""

    node: str
    epoch: str
    received: int
    missing_count: int
    missing: list[Missing]
    duplicates: int
    repeated: list[Repeated]


class Certificate(msgspec.Struct, frozen=True, rename="camel"):
    """`complete`: no number of any node is missing in the period. Events without a number prove nothing."""

    complete: bool
    received: int
    missing_count: int
    nodes: list[NodeCertificate]


class CompletenessLog:
    """Certificates of one data folder. Blocks on the disk."""

    def __init__(self, data_dir: Path) -> None:
        self._rollups = RollupReader(data_dir / "rollups.db")

    def certificate(self, caller: Caller, customer: str | None, period: tuple[int, int]) -> Certificate:
        """Of one customer's nodes, or of all, for `from` ≤ occurredAt < `to` in ns, widened to whole quarters."""
        if caller.customer_id is not None:
            if customer not in (None, caller.customer_id):
                return Certificate(complete=True, received=0, missing_count=0, nodes=[])
            customer = caller.customer_id
        return self.of(caller.tenant_id, customer, period, log="test" if caller.test else "live")

    def of(self, tenant_id: str, customer: str | None, period: tuple[int, int], *, log: str = "live") -> Certificate:
        """The same for whoever may see all of a tenant."""
        first, behind = period[0] // QUARTER_NS, -(-period[1] // QUARTER_NS)
        chosen = Selection(tenant_id, first, behind, customer)
        found = self._rollups.nodes(log, chosen)
        nodes = [_of_node(node, first * QUARTER_NS, behind * QUARTER_NS) for node in found]
        missing = sum(node.missing_count for node in nodes)
        return Certificate(
            complete=not missing, received=sum(node.received for node in nodes), missing_count=missing, nodes=nodes
        )


def _of_node(node: Node, from_ns: int, to_ns: int) -> NodeCertificate:
    found = [hole for hole in holes(node.runs) if hole.touches(from_ns, to_ns)]
    return NodeCertificate(
        node=node.node,
        epoch=node.epoch,
        received=node.received,
        missing_count=sum(hole.last - hole.first + 1 for hole in found),
        missing=[_shown(hole) for hole in found[:_MOST_NAMED]],
        duplicates=sum(times for _, times in node.repeated),
        repeated=[Repeated(seq, times) for seq, times in node.repeated[:_MOST_NAMED]],
    )


def _shown(hole: Hole) -> Missing:
    after = None if hole.after_ns is None else text_of(hole.after_ns)
    return Missing(hole.first, hole.last, after, text_of(hole.before_ns))
