"""`aforo users` and `aforo audit`: who may do what, and who did what."""

import sys
from typing import Annotated

import typer

from aforo.app.cli.api import View, quoted
from aforo.app.cli.command import command, group
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.session import Session

users = group("People who can sign in: list, invite, change, shut out. Needs an admin key.")
audit = group("Who did what: list, verify, export. Needs an admin key.")

User = Annotated[str, typer.Argument(metavar="USER", help="Their id or e-mail address.")]
_Role = Annotated[str | None, typer.Option("--role", help="viewer, operator, product, finance or admin.")]


@command(users, "list")
def list_(session: Session) -> None:
    """List people, oldest first."""
    from aforo.app.cli.show.access import users as shown

    session.answer(session.api.get("/users"), shown)


@command(users, "invite")
def invite(
    session: Session,
    email: Annotated[str, typer.Argument(metavar="E-MAIL")],
    name: Annotated[str | None, typer.Option("--name", help="The address unless told.")] = None,
    role: _Role = None,
) -> None:
    """Invite a person; prints a link that signs them in once."""
    from aforo.app.cli.show.access import invited

    body: View = {"name": name or email, "email": email, **({"role": role} if role else {})}
    session.answer(session.api.send("POST", "/users", body), invited)


@command(users, "set")
def set_(
    session: Session,
    user: User,
    role: _Role = None,
    name: Annotated[str | None, typer.Option("--name")] = None,
    shut_out: Annotated[bool | None, typer.Option("--shut-out/--let-in", help="Ends their sessions at once.")] = None,
    unlink: Annotated[bool, typer.Option("--unlink", help="Forget their account at the identity provider.")] = False,
) -> None:
    """Change a person's role or name, shut them out or let them in, or unlink their company account."""
    body = {"role": role, "name": name, "disabled": shut_out, "unlink": unlink or None}
    changed = session.api.send(
        "PATCH", f"/users/{quoted(_found(session, user)['id'])}", {k: v for k, v in body.items() if v is not None}
    )
    session.answer(changed, lambda told: f"{told['name']} is {told['role']}{', shut out' if told['disabled'] else ''}.")


@command(users, "link")
def link(session: Session, user: User) -> None:
    """Print another sign-in link for a person, as when a password was forgotten."""
    from aforo.app.cli.show.access import invited

    found = _found(session, user)
    session.answer(session.api.send("POST", f"/users/{quoted(found['id'])}/sign-in-link"), invited)


@command(users, "sign-in")
def sign_in(session: Session) -> Exit:
    """Show how people sign in, the redirect URI for the identity provider, and whether that answers. Exit 10 if not."""
    from aforo.app.cli.show.access import ways

    view = session.api.get("/sign-in")
    session.answer(view, ways)
    return Exit.DIFFERS if view["fault"] else Exit.OK


@command(audit, "list")
def trail(
    session: Session,
    words: Annotated[str | None, typer.Argument(metavar="[WORDS]", help="In the action, subject or actor.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """Show the newest lines of the audit trail."""
    from aforo.app.cli.show.access import trail as shown

    session.answer(session.api.get("/audit", limit=limit, q=words), shown)


@command(audit, "verify")
def verify(session: Session) -> Exit:
    """Check that no line of the trail was changed, removed or inserted. Exit 10 when it was."""
    from aforo.app.cli.show.access import proof

    view = session.api.get("/audit/proof")
    session.answer(view, proof)
    return Exit.OK if view["whole"] else Exit.DIFFERS


@command(audit, "export")
def export(session: Session) -> None:
    """Print the whole trail, newest first, a JSON object a line."""
    import json

    for row in session.api.everything("/audit", limit=1000)["data"]:
        sys.stdout.write(json.dumps(row, sort_keys=True) + "\n")


def _found(session: Session, named: str) -> View:
    people = session.api.get("/users")["data"]
    found = next((one for one in people if named.lower() in (one["id"], one["email"])), None)
    if found is None:
        raise failure(
            "not_found",
            Exit.NOT_FOUND,
            "Not found",
            f"Nobody is known as {named}.",
            next_step="List them: aforo users list",
            unharmed="Nothing was changed.",
        )
    return dict(found)
