"""`aforo plans`: what is sold."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from aforo.app.cli import ask, find, plan_words
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.groups.integrations.group import Yes
from aforo.app.cli.session import Session, typed

app = group("What is sold: quotas, limits and prices. A published version never changes.")

Plan = Annotated[str, typer.Argument(metavar="PLAN", help="Its key or id.")]
_Version = Annotated[int | None, typer.Option("--version", help="A version; the newest unless told.")]
_File = Annotated[str | None, typer.Option("--file", "-f", help="The terms as JSON; - reads standard input.")]
_Products = Annotated[list[str] | None, typer.Option("--product", help="A product that the plan opens; repeatable.")]
_Quotas = Annotated[
    list[str] | None,
    typer.Option("--quota", metavar="METRIC=UNITS/PERIOD[:MODE]", help="Such as api_calls=100000/month:HARD."),
]
_Rates = Annotated[
    list[str] | None, typer.Option("--rate", metavar="METRIC=UNITS/SECONDS", help="Such as api_calls=600/60.")
]
_Prices = Annotated[
    list[str] | None, typer.Option("--price", metavar="METRIC=AMOUNT", help="Per unit, such as api_calls=0.001.")
]
_Fee = Annotated[str | None, typer.Option("--fee", help="A flat fee for each period, such as 49.00.")]
_Name = Annotated[str | None, typer.Option("--name", help="How people read it; the key unless told.")]
_Currency = Annotated[str | None, typer.Option("--currency", help="Such as EUR. A tenant has one.")]


@command(app, "list")
def list_(session: Session) -> None:
    """List plans, each in its newest version."""
    from aforo.app.cli.show.selling import plans

    view = session.api.everything("/plans", limit=1000)
    session.answer(view, plans)
    if not view["data"]:
        session.hint("Next: aforo plans create pro --currency EUR --product NAME --quota api_calls=1000/month")


@command(app, "show")
def show(session: Session, plan: Plan, version: _Version = None) -> None:
    """Show one version of a plan."""
    from aforo.app.cli.show.selling import plan as shown

    found = find.plan(session.api, plan)
    if version is not None:
        found = session.api.get(f"/plans/{quoted(found['id'])}", version=version)
    names = {row["id"]: row["name"] for row in session.api.products()["data"]} if not session.as_json else {}
    session.answer(found, lambda told: shown(told, names))


@command(app, "create")
def create(
    session: Session,
    plan_key: Annotated[str, typer.Argument(metavar="KEY", help="Its name on the wire, such as pro; never changes.")],
    file: _File = None,
    name: _Name = None,
    currency: _Currency = None,
    products: _Products = None,
    quotas: _Quotas = None,
    rates: _Rates = None,
    prices: _Prices = None,
    fee: _Fee = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it at once.")] = False,
) -> None:
    """Begin a plan as a draft, from options, a JSON file, or both (options win)."""
    words = plan_words.Words(quotas, rates, prices, fee)
    body = {"key": plan_key, **_terms(session, file, name, currency, products, words)}
    made = session.api.send("POST", "/plans", body)
    if publish:
        made = session.api.send("POST", f"/plans/{quoted(made['id'])}/publish")
    _told(session, made)


@command(app, "edit")
def edit(
    session: Session,
    plan: Plan,
    file: _File = None,
    name: _Name = None,
    currency: _Currency = None,
    products: _Products = None,
    quotas: _Quotas = None,
    rates: _Rates = None,
    prices: _Prices = None,
    fee: _Fee = None,
) -> None:
    """Change the draft, or begin the next version's draft from the published one; what is given replaces its part."""
    found = find.plan(session.api, plan)
    body = _terms(session, file, name, currency, products, plan_words.Words(quotas, rates, prices, fee))
    path = f"/plans/{quoted(found['id'])}"
    if found["state"] == "DRAFT":
        _told(session, session.api.send("PATCH", path, body))
    else:
        _told(session, session.api.send("POST", f"{path}/versions", body))


@command(app, "publish")
def publish(session: Session, plan: Plan) -> None:
    """Publish the draft: it can be subscribed to from now on, and never changes again."""
    found = find.plan(session.api, plan)
    _told(session, session.api.send("POST", f"/plans/{quoted(found['id'])}/publish"))


@command(app, "versions")
def versions(session: Session, plan: Plan) -> None:
    """List all versions, newest first."""
    from aforo.app.cli.show.selling import plans

    found = find.plan(session.api, plan)
    session.answer(session.api.get(f"/plans/{quoted(found['id'])}/versions"), plans)


@command(app, "rate")
def rate(
    session: Session,
    plan: Plan,
    usage: Annotated[list[str], typer.Argument(metavar="METRIC=UNITS...", help="Such as api_calls=123456.")],
    version: _Version = None,
) -> None:
    """Show what usage would cost on this plan; nothing is stored."""
    from aforo.app.cli.show.selling import statement

    found = find.plan(session.api, plan)
    body: View = {"usage": dict(plan_words.assignment(one, "METRIC=UNITS") for one in usage)}
    if version is not None:
        body["version"] = version
    told = session.api.send("POST", f"/plans/{quoted(found['id'])}/rate", body, reads=True)
    session.answer(told, statement)


@command(app, "remove")
def remove(
    session: Session,
    plan: Plan,
    draft: Annotated[bool, typer.Option("--draft", help="Drop the draft only.")] = False,
    yes: Yes = False,
) -> None:
    """Remove a plan that nobody is or was subscribed to."""
    found = find.plan(session.api, plan)
    what = f"the draft of {found['key']}" if draft else found["key"]
    ask.confirm(session, f"Remove {what}?", yes=yes)
    session.api.send("DELETE", f"/plans/{quoted(found['id'])}{'/draft' if draft else ''}")
    session.answer({"removed": found["id"]}, lambda _: f"Removed {what}.")


def _terms(
    session: Session,
    file: str | None,
    name: str | None,
    currency: str | None,
    products: list[str] | None,
    words: plan_words.Words,
) -> View:
    body = _read(file) if file else {}
    body |= {member: value for member, value in (("name", name), ("currency", currency)) if value}
    if products:
        body["productIds"] = [find.product(session.api, word)["id"] for word in products]
    return body | plan_words.terms(words)


def _read(file: str) -> View:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        terms = json.loads(text)
    except (OSError, ValueError) as fault:
        raise _unreadable(file, str(fault)) from None
    if not isinstance(terms, dict):
        raise _unreadable(file, "it holds no JSON object")
    return terms


def _unreadable(file: str, why: str) -> Exception:
    return failure(
        "file_unreadable",
        Exit.USAGE,
        "The terms cannot be read",
        f"{file}: {why}.",
        next_step="aforo plans show PLAN --json shows how terms look.",
        unharmed="Nothing was sent.",
    )


def _told(session: Session, plan: View) -> None:
    state = "published" if plan["state"] == "PUBLISHED" else "a draft"
    session.answer(plan, lambda told: f"{told['key']} version {told['version']} is {state}.")
    if plan["state"] == "DRAFT":
        session.hint(f"Look: {typed('aforo', 'plans', 'show', plan['key'])}")
        session.hint(f"Then: {typed('aforo', 'plans', 'publish', plan['key'])}")
