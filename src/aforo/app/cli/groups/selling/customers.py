"""`aforo customers`: who buys."""

from typing import Annotated

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.groups.integrations.group import Yes
from aforo.app.cli.session import Session, typed

app = group("Who buys: list, add, change, remove.")

Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="Its id, external id or name.")]
_External = Annotated[str | None, typer.Option("--external-id", help="What you call this customer elsewhere.")]
_Email = Annotated[str | None, typer.Option("--email")]
_Tier = Annotated[str | None, typer.Option("--tier")]


@command(app, "list")
def list_(session: Session, words: Annotated[str | None, typer.Argument(metavar="[WORDS]")] = None) -> None:
    """List customers, newest first, or those whose name, external id or e-mail holds the words."""
    from aforo.app.cli.show.selling import customers

    view = session.api.everything("/customers", q=words, limit=1000)
    session.answer(view, customers)
    if not view["data"] and not words:
        session.hint(f"Next: {typed('aforo', 'customers', 'add', 'Acme', '--external-id', 'acme')}")


@command(app, "show")
def show(session: Session, customer: Customer) -> None:
    """Show one customer with its subscriptions."""
    from aforo.app.cli.show.selling import customer as shown

    found = find.customer(session.api, customer)
    held = session.api.everything("/subscriptions", customerId=found["id"])["data"]
    session.answer(found, lambda told: shown(told, held))


@command(app, "add")
def add(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    external_id: _External = None,
    email: _Email = None,
    tier: _Tier = None,
) -> None:
    """Add a customer. Events may name it by its external id."""
    body = {"name": name, **_given(external_id, email, tier)}
    made = session.api.send("POST", "/customers", body)
    session.answer(made, lambda told: f"Added {told['name']} as {told['id']}.")
    session.hint(f"Next: {typed('aforo', 'subscriptions', 'add', made['externalId'] or made['id'])} PLAN")


@command(app, "set")
def set_(
    session: Session,
    customer: Customer,
    name: Annotated[str | None, typer.Option("--name")] = None,
    external_id: _External = None,
    email: _Email = None,
    tier: _Tier = None,
) -> None:
    """Change a customer; an empty value such as --tier "" takes one away."""
    found = find.customer(session.api, customer)
    body = {**({"name": name} if name else {}), **_given(external_id, email, tier)}
    changed = session.api.send("PATCH", f"/customers/{quoted(found['id'])}", body)
    session.answer(changed, lambda told: f"Saved {told['name']}.")


@command(app, "remove")
def remove(session: Session, customer: Customer, yes: Yes = False) -> None:
    """Remove a customer without live subscriptions; its past usage and statements stay."""
    found = find.customer(session.api, customer)
    ask.confirm(session, f"Remove {found['name']}?", yes=yes)
    session.api.send("DELETE", f"/customers/{quoted(found['id'])}")
    session.answer({"removed": found["id"]}, lambda _: f"Removed {found['name']}.")


def _given(external_id: str | None, email: str | None, tier: str | None) -> View:
    """What was named on the command line; an empty value becomes null."""
    named = {"externalId": external_id, "email": email, "tier": tier}
    return {member: value or None for member, value in named.items() if value is not None}
