"""`aforo credentials`, `consumers` and `orphans`: who may call with what, who could before, what is left over."""

from typing import Annotated, Final

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.groups.integrations.group import Integration, Yes
from aforo.app.cli.groups.selling.subscriptions import Mode, Subscription
from aforo.app.cli.session import Session, typed

credentials = group("Who calls with what: list, add, rotate, suspend, revoke.")
consumers = group("Who called before Aforo: list, adopt.")
orphans = group("What Aforo left at gateways and no record explains: scan, list, remove.")

Credential = Annotated[str, typer.Argument(metavar="CREDENTIAL", help="Its id, cred_…")]
_ONCE: Final = "Store this now: Aforo does not tell it again. Lost it? aforo credentials rotate makes a new one."


@command(credentials, "list")
def list_(
    session: Session,
    subscription: Annotated[str | None, typer.Option("--subscription", help="Of one subscription.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="ACTIVE, GRACE, SUSPENDED or REVOKED.")] = None,
) -> None:
    """List credentials, newest first."""
    from aforo.app.cli.show.credentials import credentials as shown

    view = session.api.everything("/credentials", subscriptionId=subscription, state=state, limit=1000)
    session.answer(view, shown)
    if not view["data"]:
        session.hint(f"Next: {typed('aforo', 'credentials', 'add')} SUBSCRIPTION")


@command(credentials, "show")
def show(session: Session, credential: Credential) -> None:
    """Show one credential, and how it stands at each gateway."""
    _told(session, session.api.get(f"/credentials/{quoted(credential)}"))


@command(credentials, "add")
def add(
    session: Session,
    subscription: Subscription,
    mode: Annotated[Mode | None, typer.Option("--mode", help="Who makes the secret; the subscription's way.")] = None,
) -> None:
    """Create a credential at all gateways of a subscription; its secret is printed this once."""
    body: View = {"mode": mode.value} if mode else {}
    _issued(session, session.api.send("POST", f"/subscriptions/{quoted(subscription)}/credentials", body))


@command(credentials, "rotate")
def rotate(
    session: Session,
    credential: Credential,
    grace: Annotated[int, typer.Option("--grace", metavar="SECONDS", help="How long the old one works on.")] = 300,
) -> None:
    """Make a successor; its secret is printed this once, and the old one works on for the grace."""
    _issued(session, session.api.send("POST", f"/credentials/{quoted(credential)}/rotate", {"graceSeconds": grace}))


@command(credentials, "secret")
def secret(session: Session, credential: Credential) -> None:
    """Print a secret that a gateway made after the credential was created, once."""
    _issued(session, session.api.send("POST", f"/credentials/{quoted(credential)}/secret"))


@command(credentials, "suspend")
def suspend(session: Session, credential: Credential) -> None:
    """Refuse calls with it until it is reactivated."""
    _told(session, session.api.send("POST", f"/credentials/{quoted(credential)}/suspend"))


@command(credentials, "reactivate")
def reactivate(session: Session, credential: Credential) -> None:
    """Let calls with it through again."""
    _told(session, session.api.send("POST", f"/credentials/{quoted(credential)}/reactivate"))


@command(credentials, "revoke")
def revoke(session: Session, credential: Credential, yes: Yes = False) -> None:
    """End it for good, at every gateway."""
    ask.confirm(session, f"Revoke {credential} for good?", yes=yes)
    _told(session, session.api.send("POST", f"/credentials/{quoted(credential)}/revoke"))


@command(credentials, "scope")
def scope(
    session: Session,
    credential: Credential,
    product: Annotated[list[str] | None, typer.Option("--product", help="One that is to open; repeat it.")] = None,
    nothing: Annotated[bool, typer.Option("--nothing", help="Open none of them.")] = False,
) -> None:
    """Open only these products of the plan, with all keys of its subscription."""
    if bool(product) == nothing:
        raise failure(
            "nothing_named",
            Exit.USAGE,
            "No product named",
            "Name each product that is to open with --product, or say --nothing.",
            unharmed="Nothing was changed.",
        )
    ids = [find.product(session.api, one)["id"] for one in product or []]
    _told(session, session.api.send("PUT", f"/credentials/{quoted(credential)}/scope", {"productIds": ids}))


@command(consumers, "list")
def consumers_list(session: Session, integration: Integration) -> None:
    """List consumers at a gateway, each with the customer that it seems to be."""
    from aforo.app.cli.show.credentials import consumers as shown

    view = _consumers(session, find.integration(session.api, integration)["id"])
    names = {} if session.as_json else find.names(session.api)
    session.answer(view, lambda told: shown(told, names))
    for problem in view["problems"]:
        session.warn(f"Not read: {problem}")


@command(consumers, "adopt")
def adopt(
    session: Session,
    integration: Integration,
    plan: Annotated[str, typer.Option("--plan", help="What they are on from now; id or key.")],
    consumer: Annotated[list[str] | None, typer.Argument(metavar="[CONSUMER]...", help="Names or ids.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is proposed a customer.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Make a customer of whoever is proposed none.")] = False,
    yes: Yes = False,
) -> None:
    """Make subscriptions of consumers. Nothing is written at the gateway."""
    place = find.integration(session.api, integration)
    plan_id = find.plan(session.api, plan)["id"]
    rows = [row for row in _consumers(session, place["id"])["data"] if row["keys"] and not _has_owner(row)]
    chosen = [row for row in rows if everybody or {row["consumer"], row["name"]} & {*(consumer or ())}]
    missing = sorted({*(consumer or ())} - {name for row in chosen for name in (row["consumer"], row["name"])})
    unclear = [row["name"] for row in chosen if not row["match"]["customerId"]]
    if missing:
        raise _refused(f"Nobody with a key and without a subscription is called {', '.join(missing)}.", integration)
    if everybody and not new:
        chosen = [row for row in chosen if row["match"]["customerId"]]
    elif unclear and not new:
        raise _refused(f"No customer is proposed for {', '.join(unclear)}; --new makes one of each.", integration)
    if not chosen:
        raise _refused("There is nobody to adopt.", integration)
    ask.confirm(session, f"Adopt {len(chosen)} of {place['name']} into {plan}?", yes=yes)
    path = f"/integrations/{quoted(place['id'])}/consumers/adopt"
    made = session.api.work("Adopt consumers", "POST", path, {"adopt": [_wish(row, plan_id) for row in chosen]})
    session.answer(made, lambda told: f"Adopted as {', '.join(told['subscriptionIds'])}.")


@command(orphans, "list")
def orphans_list(session: Session) -> None:
    """List orphans as last scanned."""
    _orphans(session, session.api.everything("/orphans"))


@command(orphans, "scan")
def scan(
    session: Session,
    integration: Annotated[str | None, typer.Option("--integration", help="At one gateway alone.")] = None,
) -> None:
    """Look for orphans at gateways. One that cannot be read whole proves nothing."""
    body: View = {"integrationId": find.integration(session.api, integration)["id"]} if integration else {}
    view = session.api.work("Look for orphans", "POST", "/orphans/scan", body)
    _orphans(session, view)
    for place, why in view["incomplete"].items():
        session.warn(f"{place} could not be read whole: {why}")


@command(orphans, "remove")
def remove(
    session: Session, orphan: Annotated[str, typer.Argument(metavar="ORPHAN", help="Its id, orph_…")], yes: Yes = False
) -> None:
    """Delete an orphan at its gateway."""
    ask.confirm(session, f"Delete {orphan} at its gateway?", yes=yes)
    gone = session.api.send("DELETE", f"/orphans/{quoted(orphan)}")
    session.answer(gone, lambda _: f"Removed {orphan}.")


def _told(session: Session, view: View) -> None:
    from aforo.app.cli.show.credentials import credential

    names = {} if session.as_json else find.names(session.api)
    session.answer(view, lambda told: credential(told, names))


def _issued(session: Session, view: View) -> None:
    """The credential, then its secrets and a warning on standard error, so that a pipe gets no more than the answer."""
    _told(session, view)
    if session.as_json:
        return
    if view["secrets"]:
        session.warn(_ONCE)
    else:
        session.hint(f"No secret yet. Later: {typed('aforo', 'credentials', 'secret', view['id'])}")


def _orphans(session: Session, view: View) -> None:
    from aforo.app.cli.show.credentials import orphans as shown

    names = {} if session.as_json else find.names(session.api)
    session.answer(view, lambda told: shown(told, names))


def _consumers(session: Session, integration_id: str) -> View:
    path = f"/integrations/{quoted(integration_id)}/consumers"
    return session.api.work("Read consumers", "GET", path, reads=True)


def _has_owner(row: View) -> bool:
    return bool(row["subscriptionId"]) or any(key["subscriptionId"] for key in row["keys"])


def _wish(row: View, plan_id: str) -> View:
    known = row["match"]["customerId"]
    buyer: View = {"customerId": known} if known else {"newCustomer": {"name": row["name"], "email": row["email"]}}
    keys = [key["nativeId"] for key in row["keys"]]
    return {"consumer": row["consumer"], "application": row["application"], "planId": plan_id, "keys": keys, **buyer}


def _refused(detail: str, integration: str) -> Exception:
    return failure(
        "nobody_to_adopt",
        Exit.NOT_FOUND,
        "Not adopted",
        detail,
        next_step=typed("aforo", "consumers", "list", integration),
        unharmed="Nothing was changed.",
    )
