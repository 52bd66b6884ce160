"""Look at integrations: list, detail, health, breaker, connect forms, role template."""

from collections import Counter
from enum import StrEnum
from typing import Annotated

import typer

from aforo.app.cli import find
from aforo.app.cli.api import quoted
from aforo.app.cli.command import command
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.groups.integrations.group import Integration, app
from aforo.app.cli.session import Session, typed


class Variant(StrEnum):
    """How much the role may do."""

    FULL = "full"
    READ_ONLY = "read_only"


@command(app, "list")
def list_(session: Session) -> None:
    """List integrations with health, breaker and number of imported products."""
    from aforo.app.cli.show.integrations import listed

    view = session.api.everything("/integrations")
    rows = [] if session.as_json else session.api.products()["data"]
    session.answer(view, lambda told: listed(told, Counter(row["integrationId"] for row in rows)))
    if not view["data"]:
        session.hint("Next: aforo integrations add NAME --gateway kong; to try without one: aforo emulate kong")


@command(app, "show")
def show(session: Session, integration: Integration) -> None:
    """Show one integration with its last test; secrets show their last four characters."""
    from aforo.app.cli.show.integrations import one

    session.answer(find.integration(session.api, integration), one)


@command(app, "health")
def health(session: Session, integration: Integration) -> None:
    """Show health and its history of 24 hours."""
    from aforo.app.cli.show.integrations import health as shown

    found = find.integration(session.api, integration)
    session.answer(session.api.get(f"/integrations/{quoted(found['id'])}/health"), shown)


@command(app, "breaker")
def breaker(
    session: Session,
    integration: Integration,
    reset: Annotated[
        str | None, typer.Option("--reset", metavar="REASON", help="Let calls pass again at once; the audit tells why.")
    ] = None,
) -> None:
    """Show the circuit breaker, or reset it."""
    from aforo.app.cli.show.integrations import breaker as shown

    path = f"/integrations/{quoted(find.integration(session.api, integration)['id'])}/breaker"
    told = session.api.get(path) if reset is None else session.api.send("POST", f"{path}/reset", {"reason": reset})
    session.answer(told, shown)


@command(app, "gateways")
def gateways(
    session: Session, gateway: Annotated[str | None, typer.Argument(help="Only this one, such as kong.")] = None
) -> None:
    """List what can be connected: gateways, their sign-ins, and the settings that each asks for."""
    from aforo.app.cli.show.integrations import forms

    view = session.api.get("/gateways")
    if gateway:
        hits = [row for row in view["data"] if row["key"] == gateway]
        if not hits:
            known = ", ".join(row["key"] for row in view["data"])
            raise failure(
                "not_found", Exit.NOT_FOUND, "Not found", f"There is no gateway {gateway!r}; there is {known}."
            )
        view = {**view, "data": hits}
    session.answer(view, forms)


@command(app, "cloudformation")
def cloudformation(
    session: Session,
    integration: Integration,
    variant: Annotated[Variant, typer.Option(help="May it restore, or only read?")] = Variant.FULL,
) -> None:
    """Print the CloudFormation template of the role for an AWS account; redirect it into a file."""
    found = find.integration(session.api, integration)
    path = f"/integrations/{quoted(found['id'])}/cloudformation"
    view = session.api.get(path, variant=variant.value)
    if session.as_json:
        session.answer(view, str)
        return
    print(view["template"].rstrip("\n"))
    session.hint(f"ExternalId {view['externalId']}")
    for note in view.get("notes") or ():
        session.hint(note)
    if view["quickCreateLink"]:
        session.hint(f"Create the stack in the browser: {view['quickCreateLink']}")
    session.hint(f"Or save it as {view['filename']} and run: {view['deployCommand']}")
    session.hint(f"Then: {typed('aforo', 'integrations', 'set', found['name'], '--set')} role_arn=…")
