"""`aforo usage`: what gateways themselves counted, and how it compares with what arrived as events."""

from typing import Annotated

import typer

from aforo.app.cli import find
from aforo.app.cli.api import View
from aforo.app.cli.command import command, group
from aforo.app.cli.session import Session, typed

app = group("Gateways' own usage figures: read them, and hold them beside the events. No bill is made from them.")

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
