"""Find what somebody named: by id, or by name or ref where that is unique."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from aforo.app.cli.api import Api, View, quoted
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import Failure, failure


def integration(api: Api, word: str) -> View:
    rows = api.everything("/integrations")["data"]
    hits = [row for row in rows if word in (row["id"], row["name"])]
    return _only(hits, rows, "integration", word, next_step="aforo integrations list")


def product(api: Api, word: str, of: str | None = None) -> View:
    """`of` narrows to one integration, named in any way."""
    if word.startswith("prod_") and (found := _by_id(api, word)):
        return found
    integration_id = integration(api, of)["id"] if of else None
    rows = api.products(integrationId=integration_id)["data"]
    hits = [row for row in rows if word in (row["id"], row["ref"], row["name"], _full_name(row))]
    return _only(hits, rows, "product", word, next_step="aforo products list")


def customer(api: Api, word: str) -> View:
    if word.startswith("cust_"):
        return api.get(f"/customers/{quoted(word)}")
    rows = api.everything("/customers", q=word, limit=1000)["data"]
    hits = [row for row in rows if row["externalId"] == word] or [row for row in rows if row["name"] == word]
    return _only(hits, rows, "customer", word, next_step="aforo customers list")


def channel(api: Api, word: str) -> View:
    rows = api.everything("/alerts/channels")["data"]
    hits = [row for row in rows if word in (row["id"], row["name"])]
    return _only(hits, rows, "channel", word, next_step="aforo alerts channels list")


def plan(api: Api, word: str) -> View:
    """In its newest version."""
    rows = api.everything("/plans", limit=1000)["data"]
    hits = [row for row in rows if word in (row["id"], row["key"])]
    return _only(hits, rows, "plan", word, next_step="aforo plans list")


def schedule(api: Api, word: str, of: str | None = None) -> View:
    """By id; or by kind, of the integration that `of` names in any way, or the only one that has it."""
    if word.startswith("sched_"):
        return api.get(f"/schedules/{quoted(word)}")
    integration_id = integration(api, of)["id"] if of else None
    rows = [
        {**row, "name": f"{row['kind']} of {row['subject']}"}
        for row in api.get("/schedules", integrationId=integration_id)["data"]
    ]
    hits = [row for row in rows if row["kind"] == word]
    return _only(hits, rows, "schedule", word, next_step="aforo schedules list")


def names(api: Api) -> dict[str, str]:
    """What people call customers, plans and integrations, by id."""
    rows = api.everything("/customers", limit=1000)["data"] + api.everything("/integrations")["data"]
    called = {row["id"]: str(row["name"]) for row in rows}
    return called | {row["id"]: str(row["key"]) for row in api.everything("/plans", limit=1000)["data"]}


def _by_id(api: Api, product_id: str) -> View | None:
    try:
        return api.get(f"/products/{quoted(product_id)}")
    except Failure as fault:
        if fault.exit is Exit.NOT_FOUND:
            return None
        raise


def _only(hits: Sequence[View], rows: Iterable[View], noun: str, word: str, *, next_step: str) -> View:
    if len(hits) == 1:
        return hits[0]
    if hits:
        named = "\n".join(f"  {row['id']}  {_full_name(row)}{_where(row)}" for row in hits)
        raise failure(
            "ambiguous",
            Exit.USAGE,
            "Ambiguous",
            f"{len(hits)} {noun}s are called {word!r}:\n{named}",
            next_step="Name it by its id"
            + (", or narrow with --integration." if noun in ("product", "schedule") else "."),
            unharmed="Nothing was changed.",
        )
    raise failure(
        "not_found",
        Exit.NOT_FOUND,
        "Not found",
        f"There is no {noun} {word!r}.{_close(word, rows)}",
        next_step=next_step,
        unharmed="Nothing was changed.",
    )


def _full_name(row: View) -> str:
    return f"{row['name']} {row['version']}" if row.get("version") else str(row["name"])


def _where(row: View) -> str:
    return f"  (ref {row['ref']}, integration {row['integrationId']})" if "ref" in row else ""


def _close(word: str, rows: Iterable[View]) -> str:
    names = sorted(
        {str(row[member]) for row in rows for member in ("name", "ref", "key", "externalId") if row.get(member)}
    )
    near = get_close_matches(word, names, n=3)
    return f" Did you mean {' or '.join(near)}?" if near else ""
