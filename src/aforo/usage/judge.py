"""What becomes of a request's rows before anybody looks for retries: good ones as columns, the others with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from aforo.usage.decode import Request
from aforo.usage.model import Event, Refused, Rejection
from aforo.usage.rules.columns import NAMES, Columns, of_events, of_sent
from aforo.usage.rules.event import Terms, event


@dataclass(slots=True)
class Judged:
    """`indexes` tells where in the request each good event stood."""

    columns: Columns
    indexes: Sequence[int]
    rejections: list[Rejection]


def judge(request: Request, terms: Terms) -> Judged:
    """All at once where all are sound, else one by one."""
    if request.sents:
        columns = of_sent(request.sents, terms)
        if columns is not None:
            return Judged(columns, range(len(request.sents)), [])
    return _one_by_one(request, terms)


def _one_by_one(request: Request, terms: Terms) -> Judged:
    good: list[Event] = []
    indexes: list[int] = []
    rejections: list[Rejection] = []
    for index, row in enumerate(request.rows):
        try:
            if isinstance(row, Refused):
                raise row
            good.append(event(*row, terms))
            indexes.append(index)
        except Refused as refusal:
            rejections.append(Rejection(index, refusal.code, refusal.error))
    return Judged(of_events(good) if good else [None] * len(NAMES), indexes, rejections)
