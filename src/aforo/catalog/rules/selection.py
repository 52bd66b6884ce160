"""Which rows of a preview an import was asked for."""

from collections import defaultdict
from collections.abc import Sequence

from aforo.catalog.model import Row, Status
from aforo.kit.errors import Invalid


def selected(rows: Sequence[Row], select: Sequence[str]) -> list[Row]:
    """The rows in the order asked for, each once; Invalid names every word that means no single row.

    A word is a row's key, or a ref, which means the one row with it that can be imported.
    """
    by_key = {row.key: row for row in rows}
    by_ref: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.status is not Status.STALE:
            by_ref[row.ref].append(row)
    faults = [] if select else [("/select", "names no row")]
    found: dict[str, Row] = {}
    for number, word in enumerate(select):
        meant = [by_key[word]] if word in by_key else by_ref[word]
        if why := _why_not(word, meant):
            faults.append((f"/select/{number}", why))
        else:
            found[meant[0].key] = meant[0]
    if faults:
        raise Invalid("These rows cannot be imported.", tuple(faults), next_step="Select rows of this preview.")
    return list(found.values())


def _why_not(word: str, meant: Sequence[Row]) -> str:
    if not meant:
        return f"{word!r} is not in this preview"
    if len(meant) > 1:
        return f"{len(meant)} products have the ref {word!r}: name one by its key, " + " or ".join(
            repr(row.key) for row in meant
        )
    if meant[0].status is Status.STALE:
        return f"{word!r} is gone from the gateway: restore the product, or remove it from Aforo"
    return ""
