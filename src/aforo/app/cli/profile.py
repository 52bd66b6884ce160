"""Which Aforo is talked to, and with which key: options, environment, or what `aforo login` has written."""

import json
import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure

DEFAULT_URL: Final = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Place:
    """An Aforo and the key for it; `key_from` says in words where the key was found."""

    url: str
    key: str | None
    key_from: str

    def __repr__(self) -> str:
        return f"Place({self.url!r}, key from {self.key_from!r})"


def profile_path(environ: Mapping[str, str]) -> Path:
    """A relative XDG_CONFIG_HOME is ignored, as its specification asks."""
    base = Path(environ.get("XDG_CONFIG_HOME") or "")
    if not base.is_absolute():
        base = Path(environ.get("HOME") or Path.home()) / ".config"
    return base / "aforo" / "credentials.toml"


def resolve(url: str | None, key: str | None, path: Path) -> Place:
    """A saved key goes only to the address that it was saved for, never to another one named on the way."""
    if key:
        saved_url = None if url else _load(path).get("url")
        return Place(_clean(url or saved_url or DEFAULT_URL), key, "--key or AFORO_API_KEY")
    saved = _load(path)
    where = _clean(url or saved.get("url") or DEFAULT_URL)
    if saved.get("key") and where == _clean(saved.get("url") or DEFAULT_URL):
        return Place(where, saved["key"], str(path))
    return Place(where, None, "nowhere")


def save(path: Path, place: Place) -> None:
    """Replace the profile atomically, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".credentials")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("# Written by `aforo login`. Anybody who can read the key can act as you.\n")
            file.write(f"url = {json.dumps(place.url)}\nkey = {json.dumps(place.key)}\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def forget(path: Path) -> bool:
    """False when there was nothing to forget."""
    if not path.exists():
        return False
    path.unlink()
    return True


def _load(path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise _unreadable(path, f"cannot be read: {fault.strerror}", "Correct its rights.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise _unreadable(path, "can be read by others, and it holds a key", f"chmod 600 {path}")
    try:
        loaded = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise _unreadable(path, "is not valid TOML", "aforo logout, then aforo login") from None
    return {name: value for name, value in loaded.items() if isinstance(value, str)}


def _unreadable(path: Path, what: str, next_step: str) -> Exception:
    return failure(
        "profile_unreadable",
        Exit.NOT_SIGNED_IN,
        "The saved sign-in was not used",
        f"{path} {what}.",
        next_step=next_step,
        unharmed="Nothing was sent.",
    )


def _clean(url: str) -> str:
    url = url.strip().rstrip("/")
    if not url.startswith(("http://", "https://")) or any(ord(letter) <= 32 for letter in url):
        raise failure(
            "bad_url",
            Exit.USAGE,
            "Not an address",
            f"{url!r} does not begin with http:// or https://.",
            next_step="Give one such as --url http://127.0.0.1:8080, or set AFORO_URL.",
            unharmed="Nothing was sent.",
        )
    return url
