"""`aforo costs` and `aforo margins`: what a unit costs you, and what must be left of the price."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from aforo.app.cli import find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.files import text_of
from aforo.app.cli.session import Session

costs = group("What a unit costs you.")
margins = group("Below which margin to warn, throttle and block.")

Rule = Annotated[str, typer.Argument(metavar="ID")]
_Floor = Annotated[str | None, typer.Option(help="A share of revenue, such as 0.20 for 20 %.")]


class Kind(StrEnum):
    """Whose margin is guarded."""

    TENANT = "tenant"
    TIER = "tier"
    CUSTOMER = "customer"


class Mode(StrEnum):
    """Whether what a guard finds is done, or only told."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class By(StrEnum):
    """What the lines are."""

    CUSTOMER = "customer"
    PLAN = "plan"
    PRODUCT = "product"


class Span(StrEnum):
    """Of UTC."""

    TODAY = "today"
    WEEK = "7d"
    DAYS_30 = "30d"
    MONTH = "month"


def add_to(program: typer.Typer) -> None:
    """`aforo margin`."""
    command(program, "margin")(margin)


def margin(
    session: Session,
    customer: Annotated[str | None, typer.Argument(metavar="[CUSTOMER]", help="Why this one earns or loses.")] = None,
    by: Annotated[By, typer.Option("--by", help="What a line is.")] = By.CUSTOMER,
    span: Annotated[Span, typer.Option("--span", help="Days and months of UTC.")] = Span.MONTH,
    sort: Annotated[str, typer.Option("--sort", help="Such as margin or -revenue; a minus: greatest first.")] = (
        "margin"
    ),
    losing: Annotated[bool, typer.Option("--losing", help="Only those that cost more than they bring.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
) -> None:
    """Show revenue, cost and margin, losers first, and what enforcement did or would have done.

    Of one customer it tells why: by product, by cost rule, under which guards."""
    from aforo.app.cli.show.costs import customer_margin
    from aforo.app.cli.show.selling import earnings

    if customer:
        found = find.customer(session.api, customer)["id"]
        session.answer(session.api.get(f"/margin/{quoted(found)}", span=span.value), customer_margin)
        return
    query = {"by": by.value, "span": span.value, "sort": sort, "limit": limit, **({"losing": "true"} if losing else {})}
    session.answer(session.api.get("/margin", **query), earnings)


@command(costs, "list")
def list_costs(session: Session) -> None:
    """List cost rules, newest first."""
    from aforo.app.cli.show.selling import cost_rules

    session.answer(session.api.everything("/cost-rules"), cost_rules)


@command(costs, "add")
def add_cost(
    session: Session,
    unit_cost: Annotated[str, typer.Argument(metavar="AMOUNT", help="Such as 0.0004.")],
    currency: Annotated[str, typer.Option("--currency")],
    product: Annotated[str | None, typer.Option("--product")] = None,
    metric: Annotated[str | None, typer.Option("--metric")] = None,
    valid_from: Annotated[str | None, typer.Option("--from", help="Such as 2026-11-01T00:00:00Z; now unless told.")] = (
        None
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Add nothing: tell what the last 30 days had cost.")] = (
        False
    ),
) -> None:
    """Say what a unit costs from a moment on, for a product, a metric, or a metric of a product."""
    from aforo.app.cli.show.costs import effect

    scope = {"productId": find.product(session.api, product)["id"] if product else None, "metric": metric}
    body: View = {"scope": scope, "unitCost": unit_cost, "currency": currency}
    if valid_from:
        body["validFrom"] = valid_from
    if dry_run:
        session.answer(session.api.send("POST", "/cost-rules/effect", body), effect)
        return
    made = session.api.send("POST", "/cost-rules", body)
    session.answer(made, lambda told: f"{told['unitCost']} {told['currency']} a unit, as {told['id']}.")


@command(costs, "import")
def import_costs(
    session: Session,
    file: Annotated[
        Path, typer.Argument(allow_dash=True, help="CSV: product,metric,unitCost,currency,validFrom; - for the input.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Add nothing: tell what would come of each line.")] = False,
) -> Exit:
    """Add the cost rules of a sheet; what is there already is left as it is. Exit 7 when a line could not be read."""
    from aforo.app.cli.show.costs import sheet

    body: View = {"csv": _text(file), "dryRun": dry_run}
    told = session.api.send("POST", "/cost-rules/import", body)
    session.answer(told, sheet)
    return Exit.INVALID if told["failed"] else Exit.OK


@command(costs, "remove")
def remove_cost(
    session: Session,
    rule: Rule,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing: tell what the last 30 days cost.")] = (
        False
    ),
) -> None:
    """Remove a cost rule, as if it had never been."""
    from aforo.app.cli.show.costs import effect

    if dry_run:
        session.answer(session.api.get(f"/cost-rules/{quoted(rule)}/effect"), effect)
        return
    session.api.send("DELETE", f"/cost-rules/{quoted(rule)}")
    session.answer({"removed": rule}, lambda _: f"Removed {rule}.")


def _text(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read()
    return text_of(str(file), next_step="Name a CSV file that you can read.", unharmed="Nothing was sent.")


@command(margins, "list")
def list_margins(session: Session) -> None:
    """List margin guards, newest first."""
    from aforo.app.cli.show.selling import guards

    session.answer(session.api.everything("/margin-guards"), guards)


@command(margins, "add")
def add_margin(
    session: Session,
    kind: Annotated[Kind, typer.Argument(help="Whose margin.")],
    of: Annotated[str | None, typer.Argument(metavar="[CUSTOMER|PLAN]", help="None for the tenant.")] = None,
    warn: _Floor = None,
    throttle: _Floor = None,
    block: _Floor = None,
    mode: Annotated[Mode, typer.Option("--mode")] = Mode.OBSERVE,
) -> None:
    """Guard a margin. Begins by observing: it tells what it would have done, and refuses nobody."""
    ref = find.customer(session.api, of)["id"] if of and kind is Kind.CUSTOMER else of
    floors = {level: value for level, value in (("L1", warn), ("L2", throttle), ("L3", block)) if value}
    scope = {"kind": kind.name, **({"ref": ref} if ref else {})}
    body: View = {"scope": scope, "floors": floors, "mode": mode.value}
    made = session.api.send("POST", "/margin-guards", body)
    session.answer(made, lambda told: f"Guarding, as {told['id']}: {told['mode']}.")


@command(margins, "set")
def set_margin(session: Session, guard: Rule, mode: Annotated[Mode, typer.Option("--mode")]) -> None:
    """Switch a guard between observing and enforcing."""
    changed = session.api.send("PATCH", f"/margin-guards/{quoted(guard)}", {"mode": mode.value})
    session.answer(changed, lambda told: f"{told['id']}: {told['mode']}.")


@command(margins, "remove")
def remove_margin(session: Session, guard: Rule) -> None:
    """Remove a margin guard."""
    session.api.send("DELETE", f"/margin-guards/{quoted(guard)}")
    session.answer({"removed": guard}, lambda _: f"Removed {guard}.")
