"""`aforo usage`: what gateways themselves counted beside what arrived as events, and how long events are kept."""

from typing import Annotated

import typer

from aforo.app.cli import ask, find
from aforo.app.cli.api import View
from aforo.app.cli.command import command, group
from aforo.app.cli.session import Session, typed

app = group("Gateways' own usage figures beside the events, and for how long events are kept.")

Integration = Annotated[str, typer.Argument(metavar="INTEGRATION", help="By id or name.")]
_Days = Annotated[int | None, typer.Option("--days", min=1, help="So many days back, today included.")]
_From = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, such as 2026-11-17.")]
_To = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included; today unless told.")]


@command(app, "pull")
def pull(session: Session, integration: Integration, days: _Days = None) -> None:
    """Read a gateway's own usage figures now; without --days what is lacking or may have been amended."""
    from aforo.app.cli.show.usage import pulled

    found = find.integration(session.api, integration)
    body: View = {"integrationId": found["id"], **({"days": days} if days else {})}
    told = session.api.work(f"Read usage figures of {found['name']}", "POST", "/reconciliation/pull", body)
    session.answer(told, lambda view: pulled(view, found["name"]))
    session.hint(f"Next: {typed('aforo', 'usage', 'reconcile', found['name'])}")


@command(app, "reconcile")
def reconcile(session: Session, integration: Integration, since: _From = None, until: _To = None) -> None:
    """Show what the gateway counted beside what its artifact pushed, by product and day, with known reasons."""
    from aforo.app.cli.show.usage import reconciled

    found = find.integration(session.api, integration)
    query = {name: value for name, value in (("from", since), ("to", until)) if value}
    told = session.api.get("/reconciliation", integrationId=found["id"], **query)
    session.answer(told, lambda view: reconciled(view, found["name"]))


@command(app, "retention")
def retention(
    session: Session,
    days: Annotated[int | None, typer.Option("--days", min=1, help="Keep events whole for so many days.")] = None,
    for_ever: Annotated[bool, typer.Option("--for-ever", help="Keep them whole for ever.")] = False,
) -> None:
    """Show for how long events are kept whole, or decide it. Older ones are reduced to what sums need."""
    from aforo.app.cli.show.usage import kept

    if days is not None and for_ever:
        raise typer.BadParameter("--days and --for-ever exclude each other.")
    decides = days is not None or for_ever
    told = session.api.send("PUT", "/retention", {"days": days}) if decides else session.api.get("/retention")
    session.answer(told, kept)


@command(app, "erase")
def erase(
    session: Session,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Its id, or what your events call it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase what tells of a customer's events. Sums and statements stay; nothing brings the rest back."""
    from aforo.app.cli.show.usage import erased

    ask.confirm(session, f"Erase the events of {customer} for good?", yes=yes)
    told = session.api.work(f"Erase events of {customer}", "POST", "/erasures", {"customerId": customer})
    session.answer(told, erased)
