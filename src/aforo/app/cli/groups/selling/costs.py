"""`aforo costs` and `aforo margins`: what a unit costs you, and what must be left of the price."""

from enum import StrEnum
from typing import Annotated

import typer

from aforo.app.cli import find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
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
) -> None:
    """Say what a unit costs from a moment on, for a product, a metric, or a metric of a product."""
    scope = {"productId": find.product(session.api, product)["id"] if product else None, "metric": metric}
    body: View = {"scope": scope, "unitCost": unit_cost, "currency": currency}
    if valid_from:
        body["validFrom"] = valid_from
    made = session.api.send("POST", "/cost-rules", body)
    session.answer(made, lambda told: f"{told['unitCost']} {told['currency']} a unit, as {told['id']}.")


@command(costs, "remove")
def remove_cost(session: Session, rule: Rule) -> None:
    """Remove a cost rule."""
    session.api.send("DELETE", f"/cost-rules/{quoted(rule)}")
    session.answer({"removed": rule}, lambda _: f"Removed {rule}.")


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
