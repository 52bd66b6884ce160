"""`aforo login`, `logout`, `whoami`: which Aforo, and as whom."""

import ipaddress
import os
import sys
from urllib.parse import urlsplit

import typer

from aforo.app.cli import ask
from aforo.app.cli.command import command
from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure
from aforo.app.cli.profile import DEFAULT_URL, forget, profile_path, resolve, save
from aforo.app.cli.session import Session


def add_to(app: typer.Typer) -> None:
    """The three commands stand at the top."""
    command(app, "login")(login)
    command(app, "logout", local=True)(logout)
    command(app, "whoami")(whoami)


def login(session: Session) -> None:
    """Check an API key against Aforo and save both, for you alone, in ~/.config/aforo/credentials.toml."""
    path = profile_path(os.environ)
    place = session.place
    if place.key is None or place.key_from == str(path):
        url = place.url if place.url != DEFAULT_URL or not session.can_ask else ask.text("Address", default=DEFAULT_URL)
        place = resolve(url, _new_key(session), path)
    if _is_readable_on_the_way(place.url):
        session.warn(f"{place.url} is not encrypted: whoever is on the way can read the key. Use https://.")
    me = session.api_at(place).get("/me")
    save(path, place)
    from aforo.app.cli.show.account import signed_in

    session.answer(me, lambda view: signed_in(view, place.url))
    session.hint(f"Saved in {path}. Next: aforo integrations list")


def logout(session: Session) -> None:
    """Forget the saved key. The key itself stays good until an administrator revokes it."""
    path = profile_path(os.environ)
    gone = forget(path)
    session.answer({"removed": gone}, lambda _: f"Forgot {path}." if gone else "There was no saved sign-in.")
    if os.environ.get("AFORO_API_KEY"):
        session.hint("AFORO_API_KEY is still set and still used.")


def whoami(session: Session) -> None:
    """Show the tenant, the key's scopes, and where the key was found."""
    me = session.api.get("/me")
    from aforo.app.cli.show.account import who

    session.answer(me, lambda view: who(view, session.place))


def _new_key(session: Session) -> str:
    if session.can_ask:
        return ask.text("API key", secret=True)
    key = "" if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not key:
        raise failure(
            "not_signed_in",
            Exit.USAGE,
            "No key",
            "There is no key to sign in with.",
            next_step="Set AFORO_API_KEY, or give it on standard input: aforo login < key.txt",
            unharmed="Nothing was sent or saved.",
        )
    return key


def _is_readable_on_the_way(url: str) -> bool:
    parts = urlsplit(url)
    try:
        here = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        here = parts.hostname == "localhost"
    return parts.scheme == "http" and not here
