"""`aforo subscriptions`: who is on which plan."""

from enum import StrEnum
from typing import Annotated

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.groups.integrations.group import Yes
from aforo.app.cli.groups.selling.customers import Customer
from aforo.app.cli.groups.selling.plans import Plan
from aforo.app.cli.session import Session

app = group("Who is on which plan: subscribe, move, suspend, cancel.")

Subscription = Annotated[str, typer.Argument(metavar="SUBSCRIPTION", help="Its id, sub_…")]
_PlanVersion = Annotated[int | None, typer.Option("--plan-version", help="The newest published unless told.")]
_Primary = Annotated[str | None, typer.Option("--primary", help="The integration that is set up first.")]


class Mode(StrEnum):
    """Who makes the secrets."""

    GATEWAY_GENERATED = "GATEWAY_GENERATED"
    AFORO_PROVIDED = "AFORO_PROVIDED"


@command(app, "list")
def list_(
    session: Session,
    customer: Annotated[str | None, typer.Option("--customer", help="Of one customer.")] = None,
    plan: Annotated[str | None, typer.Option("--plan", help="On one plan.")] = None,
) -> None:
    """List subscriptions, newest first."""
    from aforo.app.cli.show.selling import subscriptions

    customer_id = find.customer(session.api, customer)["id"] if customer else None
    plan_id = find.plan(session.api, plan)["id"] if plan else None
    view = session.api.everything("/subscriptions", customerId=customer_id, planId=plan_id, limit=1000)
    names = {} if session.as_json else find.names(session.api)
    session.answer(view, lambda told: subscriptions(told, names))


@command(app, "show")
def show(session: Session, subscription: Subscription) -> None:
    """Show one subscription, and how far it is at each gateway."""
    _told(session, session.api.get(f"/subscriptions/{quoted(subscription)}"))


@command(app, "add")
def add(
    session: Session,
    customer: Customer,
    plan: Plan,
    plan_version: _PlanVersion = None,
    mode: Annotated[Mode, typer.Option("--mode", help="Who makes the secrets.")] = Mode.GATEWAY_GENERATED,
    starts_at: Annotated[str | None, typer.Option("--starts-at", help="Such as 2026-12-01T00:00:00Z.")] = None,
    primary: _Primary = None,
) -> None:
    """Subscribe a customer to a published plan."""
    body: View = {
        "customerId": find.customer(session.api, customer)["id"],
        "planId": find.plan(session.api, plan)["id"],
        "mode": mode.value,
        "planVersion": plan_version,
        "startsAt": starts_at,
        "primaryIntegrationId": find.integration(session.api, primary)["id"] if primary else None,
    }
    _told(session, session.api.send("POST", "/subscriptions", {name: one for name, one in body.items() if one}))


@command(app, "move")
def move(
    session: Session,
    subscription: Subscription,
    plan: Annotated[str | None, typer.Option("--plan", help="Another plan.")] = None,
    plan_version: _PlanVersion = None,
    primary: _Primary = None,
) -> None:
    """Move a subscription to another plan, version or primary gateway."""
    body: View = {
        "planId": find.plan(session.api, plan)["id"] if plan else None,
        "planVersion": plan_version,
        "primaryIntegrationId": find.integration(session.api, primary)["id"] if primary else None,
    }
    given = {name: one for name, one in body.items() if one}
    _told(session, session.api.send("PATCH", f"/subscriptions/{quoted(subscription)}", given))


@command(app, "suspend")
def suspend(session: Session, subscription: Subscription) -> None:
    """Refuse its calls until it is reactivated."""
    _apply(session, subscription, "suspend")


@command(app, "reactivate")
def reactivate(session: Session, subscription: Subscription) -> None:
    """Let a suspended subscription's calls through again."""
    _apply(session, subscription, "reactivate")


@command(app, "cancel")
def cancel(session: Session, subscription: Subscription, yes: Yes = False) -> None:
    """End a subscription for good; its keys stop working."""
    ask.confirm(session, f"Cancel {subscription} for good?", yes=yes)
    _apply(session, subscription, "cancel")


def _apply(session: Session, subscription: str, verb: str) -> None:
    _told(session, session.api.send("POST", f"/subscriptions/{quoted(subscription)}/{verb}"))


def _told(session: Session, view: View) -> None:
    from aforo.app.cli.show.selling import subscription as shown

    names = {} if session.as_json else find.names(session.api)
    session.answer(view, lambda told: shown(told, names))
