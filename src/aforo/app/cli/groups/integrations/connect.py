"""Connect a gateway, change the connection, test it, forget it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from aforo.app.cli import ask, find, settings_form
from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command
from aforo.app.cli.exits import Exit
from aforo.app.cli.groups.integrations.group import Integration, Sets, Yes, app
from aforo.app.cli.session import Session, typed

_Gateway = Annotated[str | None, typer.Option("--gateway", help="Such as kong or aws.")]
_SignIn = Annotated[str | None, typer.Option("--sign-in", help="One of the gateway's ways to connect.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="How you call it, such as kong-prod.")]


@command(app, "add")
def add(session: Session, name: _Name, gateway: _Gateway = None, sign_in: _SignIn = None, sets: Sets = None) -> Exit:
    """Connect a gateway and test the connection at once. Asks for what is missing; secrets are not echoed."""
    forms = session.api.get("/gateways")["data"]
    form = settings_form.chosen(session, "Gateway", "--gateway", gateway, forms)
    way = settings_form.chosen(session, "Sign-in", "--sign-in", sign_in, form["signIns"])
    values = settings_form.completed(session, way["fields"], settings_form.given(session, way["fields"], sets or ()))
    body: View = {"name": name, "gateway": form["key"], "signIn": way["key"], "settings": values}
    made = session.api.send("POST", "/integrations", body)
    session.say(f"Saved {made['name']} as {made['id']}.")
    return _tested_if_complete(session, made, way)


@command(app, "set")
def set_(session: Session, integration: Integration, sets: Sets = None, sign_in: _SignIn = None) -> Exit:
    """Change settings, or the way to sign in, and test the connection. Secrets that are left out stay."""
    found = find.integration(session.api, integration)
    forms = session.api.get("/gateways")["data"]
    form = settings_form.chosen(session, "Gateway", "--gateway", found["gateway"], forms)
    way = settings_form.chosen(session, "Sign-in", "--sign-in", sign_in or found["signIn"], form["signIns"])
    values = settings_form.given(session, way["fields"], sets or ())
    if way["key"] != found["signIn"]:
        values = settings_form.completed(session, way["fields"], values)
    body: View = {"settings": values, **({"signIn": way["key"]} if sign_in else {})}
    changed = session.api.send("PATCH", f"/integrations/{quoted(found['id'])}", body)
    session.say(f"Saved {changed['name']}.")
    return _tested_if_complete(session, changed, way)


@command(app, "rename")
def rename(
    session: Session, integration: Integration, name: Annotated[str, typer.Argument(metavar="NEW_NAME")]
) -> None:
    """Call an integration something else."""
    found = find.integration(session.api, integration)
    view = session.api.send("PATCH", f"/integrations/{quoted(found['id'])}", {"name": name})
    session.answer(view, lambda told: f"{found['name']} is now called {told['name']}.")


@command(app, "test")
def test(session: Session, integration: Integration) -> Exit:
    """Test the connection with real calls, one line for each check."""
    found = find.integration(session.api, integration)
    return _test(session, found, whole=False)


@command(app, "pause")
def pause(
    session: Session,
    integration: Integration,
    hours: Annotated[float, typer.Option("--hours", help="How long, at most 720.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the audit trail.")],
) -> None:
    """Schedule nothing at an integration for some hours: no health check, no scan. Commands still go."""
    from aforo.app.cli.show.text import moment

    found = find.integration(session.api, integration)
    until = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    body: View = {"until": until, "reason": reason}
    view = session.api.send("POST", f"/integrations/{quoted(found['id'])}/pause", body)
    session.answer(view, lambda told: f"{told['name']} is paused until {moment(told['pause']['until'])}.")


@command(app, "resume")
def resume(session: Session, integration: Integration) -> None:
    """End a maintenance pause; what was put off runs within seconds."""
    found = find.integration(session.api, integration)
    view = session.api.send("POST", f"/integrations/{quoted(found['id'])}/resume")
    session.answer(view, lambda told: f"{told['name']} is no longer paused.")


@command(app, "remove")
def remove(
    session: Session,
    integration: Integration,
    orphan: Annotated[
        bool, typer.Option("--orphan", help="Forget its imported products too; at the gateway they stay.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="First take Aforo's artifact and credentials from the gateway.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Forget an integration and its secrets; without --detach the gateway is not touched."""
    found = find.integration(session.api, integration)
    ask.confirm(session, f"Forget {found['name']}{' and all its products' if orphan or detach else ''}?", yes=yes)
    query = {"force": "detach" if detach else "orphan" if orphan else None}
    session.api.send("DELETE", f"/integrations/{quoted(found['id'])}", query=query)
    gateway = "What worked there was taken away." if detach else "Its gateway was not touched."
    session.answer({"removed": found["id"]}, lambda _: f"Forgot {found['name']}. {gateway}")


def _tested_if_complete(session: Session, saved: View, way: View) -> Exit:
    lacking = [field for field in way["fields"] if field.get("later") and not saved["settings"].get(field["name"])]
    if not lacking:
        return _test(session, saved, whole=True)
    if way.get("consentAt"):
        return _to_be_consented(session, saved, way)
    session.answer(saved, _external_id)
    session.hint("It cannot be called yet. Create the role in your account, from the template:")
    session.hint(f"  {typed('aforo', 'integrations', 'cloudformation', saved['name'])} > template.yaml")
    for field in lacking:
        assignment = f"{field['name']}=…"
        session.hint(f"Then: {typed('aforo', 'integrations', 'set', saved['name'], '--set')} {assignment}")
    return Exit.OK


def _to_be_consented(session: Session, saved: View, way: View) -> Exit:
    """A consent is a person's and comes by their browser alone; the provider's page leads back to the console."""
    session.answer(saved, lambda told: f"{told['name']} waits for somebody's consent at {way['consentAt']}.")
    if way.get("unusableBecause"):
        session.hint(f"Nobody can consent yet: {way['unusableBecause']}")
    session.hint(f"Open {session.api.url}/integrations/{quoted(saved['id'])}/setup in a browser and sign in there.")
    session.hint(f"Then: {typed('aforo', 'integrations', 'test', saved['name'])}")
    return Exit.OK


def _external_id(told: View) -> str:
    return f"ExternalId  {told['facts'].get('external_id', '—')}"


def _test(session: Session, found: View, *, whole: bool) -> Exit:
    """`whole`: answer with the integration, last test included, instead of the test alone."""
    from aforo.app.cli.show.integrations import test as shown

    path = f"/integrations/{quoted(found['id'])}"
    with session.working("Testing the connection"):
        result = session.api.work("Testing the connection", "POST", f"{path}/test")
    session.answer(session.api.get(path) if whole and session.as_json else result, shown)
    if result["passed"]:
        session.say(f"✓ {found['name']} is connected.")
        session.hint(f"Next: {typed('aforo', 'products', 'preview', found['name'])}")
        return Exit.OK
    session.say(f"✗ {found['name']} is not connected. It stays saved, and nothing at the gateway was changed.")
    session.hint(f"Correct a setting: {typed('aforo', 'integrations', 'set', found['name'], '--set')} NAME=VALUE")
    session.hint(f"Test again: {typed('aforo', 'integrations', 'test', found['name'])}")
    return Exit.GATEWAY
