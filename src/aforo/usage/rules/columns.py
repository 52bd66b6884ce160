"""A whole request's events as columns, checked column by column.

The usual request is sound from end to end: then each rule is put once to a column's distinct values rather than to
every event. Whatever is unusual gives None, and `event` looks at the rows one by one; both ways give the same columns
for what both accept.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, Final, TypeAlias

import msgspec

from aforo.usage.model import EXECUTION_STATUSES, PRODUCT_TYPES, Credential, Event, Refused, Trace
from aforo.usage.rules.event import MAX_CUSTOMER, MAX_KEY, MAX_METRIC, MAX_TEXT, Sent, SentCredential, SentTrace, Terms
from aforo.usage.rules.metadata import metadatas
from aforo.usage.rules.moment import AHEAD_NS, TOO_LATE_NS
from aforo.usage.rules.moments import moments
from aforo.usage.rules.quantity import WHOLE_LIMIT, cost, quantity

Column: TypeAlias = Sequence[Any] | None
"""One member of every event, in order; None where no event has it."""
Columns: TypeAlias = list[Column]
"""In the order of `Event`'s members."""

NAMES: Final = Event.__struct_fields__
_SENT: Final = {name: index for index, name in enumerate(Sent.__struct_fields__)}
_TEXTS: Final = frozenset(
    {
        "endpoint_path", "http_method", "trace_id", "session_id", "agent_id", "tool_name", "product_id", "product",
        "integration_id", "subscription_id", "decision_id", "lease_id", "node_id",
    }
)  # fmt: skip
_AS_SENT: Final = frozenset({"response_time_ms", "execution_duration_ms", "session_boundary"})
_INTEGERS: Final = frozenset({"status_code", "seq"})
_NO_METADATA: Final = frozenset({b"", b"{}", b"[]", b"null"})
_NO_COST: Final = frozenset({b"", b"null"})


class _Unusual(Exception):
    """Something that the columns' way does not judge."""


def of_sent(sents: list[Sent], terms: Terms) -> Columns | None:
    """The columns of a request in which every event is sound; None when any of them may not be."""
    sent = list(zip(*map(msgspec.structs.astuple, sents), strict=True))
    try:
        customers, metrics = _customers(sent, terms), _metrics(sent, terms)
        wholes, nanos = _quantities(sent[_SENT["quantity"]])
        occurred = _occurred(sent[_SENT["occurred_at"]], terms)
        rest = [_rest(name, sent[_SENT[name]]) for name in NAMES[6:]]
        return [customers, metrics, wholes, nanos, occurred, _keys(sent[_SENT["idempotency_key"]]), *rest]
    except (_Unusual, Refused):
        return None


def of_events(events: list[Event]) -> Columns:
    """The columns of events that were judged one by one; there is at least one. Metadata stands last."""
    columns = list(zip(*map(msgspec.structs.astuple, events), strict=True))
    columns[-1] = tuple(text or None for text in columns[-1])
    return [None if column.count(None) == len(column) else column for column in columns]


def has_gaps(column: Sequence[Any]) -> bool:
    """Whether any event lacks the member. Looking for what is false is several times faster than for None."""
    return not all(column) and None in column


def rows(columns: Columns) -> Iterable[tuple[Any, ...]]:
    """Each event's members as one tuple, in the order of `Event`. Every event has the first member."""
    if columns[0] is None:
        return ()
    return zip(*(repeat(None) if column is None else column for column in columns), strict=False)


def _customers(sent: list[tuple[Any, ...]], terms: Terms) -> Column:
    customers = sent[_SENT["customer_id"]]
    distinct = _texts(customers, MAX_CUSTOMER, required=True)
    if "system" in distinct or (terms.bound_customer is not None and distinct != {terms.bound_customer}):
        raise _Unusual
    return customers


def _metrics(sent: list[tuple[Any, ...]], terms: Terms) -> Column:
    metrics = sent[_SENT["metric_name"]]
    for metric in _texts(metrics, MAX_METRIC, required=True):
        if metric.startswith("system.") or not terms.knows_metric(metric):
            raise _Unusual
    return metrics


def _keys(keys: tuple[Any, ...]) -> Column:
    if None in keys or "" in keys or max(map(len, keys)) > MAX_KEY:
        raise _Unusual
    return keys


def _texts(column: tuple[Any, ...], most: int, *, required: bool = False) -> set[str]:
    distinct = set(column)
    if required and (None in distinct or "" in distinct):
        raise _Unusual
    distinct.discard(None)
    if distinct and max(map(len, distinct)) > most:
        raise _Unusual
    return distinct


def _quantities(raws: tuple[Any, ...]) -> tuple[Column, Column]:
    tokens = list(map(bytes, raws))
    try:
        wholes = list(map(int, tokens))
    except ValueError:
        return _fractions(tokens)
    if min(wholes) <= 0 or max(wholes) >= WHOLE_LIMIT:
        raise _Unusual
    return wholes, (0,) * len(wholes)


def _fractions(tokens: list[bytes]) -> tuple[Column, Column]:
    known = {token: quantity(_plain(token), zero_allowed=False) for token in set(tokens)}
    pairs = [known[token] for token in tokens]
    return tuple(whole for whole, _ in pairs), tuple(nano for _, nano in pairs)


def _plain(token: bytes) -> str:
    """The characters of a number's token or of a short text."""
    if len(token) > 256 or not token.isascii():
        raise _Unusual
    return token[1:-1].decode() if token.startswith(b'"') else token.decode()


def _occurred(raws: tuple[Any, ...], terms: Terms) -> Column:
    found = moments(list(map(bytes, raws)))
    if found is None or min(found) < terms.now_ns - TOO_LATE_NS or max(found) > terms.now_ns + AHEAD_NS:
        raise _Unusual
    return found


def _rest(name: str, column: tuple[Any, ...]) -> Column:
    if name == "metadata":
        return _metadata(list(map(bytes, column)))
    if name == "cost":
        return _costs(list(map(bytes, column)))
    if column[0] is None and column.count(None) == len(column):
        return None
    if name in _TEXTS:
        _texts(column, MAX_TEXT)
        return column
    return column if name in _AS_SENT else _judged(name, column)


def _judged(name: str, column: tuple[Any, ...]) -> Column:
    if name in _INTEGERS:
        _check_64_bits(set(column) - {None})
        return column
    if name == "epoch":
        distinct = set(column) - {None}
        _texts(tuple(value for value in distinct if isinstance(value, str)), MAX_TEXT)
        _check_64_bits({value for value in distinct if isinstance(value, int)})
        return column
    if name in ("product_type", "execution_status"):
        known = PRODUCT_TYPES if name == "product_type" else EXECUTION_STATUSES
        if not known.issuperset(set(column) - {None}):
            raise _Unusual
        return column
    made = {one: None if one is None else _nested(one) for one in set(column)}
    return [made[one] for one in column]


def _nested(sent: SentCredential | SentTrace) -> Credential | Trace:
    members = msgspec.structs.astuple(sent)
    _texts(members, MAX_TEXT)
    return Credential(*members) if isinstance(sent, SentCredential) else Trace(*members)


def _check_64_bits(numbers: set[int]) -> None:
    if numbers and not (min(numbers) >= -(2**63) and max(numbers) < 2**63):
        raise _Unusual


def _costs(tokens: list[bytes]) -> Column:
    distinct = set(tokens)
    if distinct <= _NO_COST:
        return None
    known = {token: None if token in _NO_COST else cost(_plain(token)) for token in distinct}
    return [known[token] for token in tokens]


def _metadata(tokens: list[bytes]) -> Column:
    distinct = set(tokens)
    if distinct <= _NO_METADATA:
        return None
    known = metadatas(list(distinct))
    found = [known[token] or None for token in tokens]
    return found if any(found) else None
