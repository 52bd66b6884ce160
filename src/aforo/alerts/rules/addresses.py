"""Check a channel's address, and say what may be shown of it."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from aforo.alerts.model import Address, ChannelKind
from aforo.kit.errors import Invalid

_LONGEST: Final = 2_000
_PERSON: Final = re.compile(r"[^@\s<>,;:\"\\]+@[^@\s<>,;:\"\\]+")
_SUBMISSION: Final = {"smtp": 587, "smtps": 465}
_MAIL_FORM: Final = "smtps://user:password@mail.example:465?from=aforo@example.com&to=ops@example.com"
_SHORTEST_SECRET_BYTES: Final = 24
_LONGEST_SECRET_BYTES: Final = 64
_LOCAL_SCHEMES: Final = frozenset({"dbus", "glib", "gnome", "kde", "qt", "macosx", "windows", "syslog", "file"})
"""What apprise can do on the machine it runs on, which is not where the person sits."""


@dataclass(frozen=True, slots=True)
class MailPlace:
    """A mail server and an envelope. `starttls`: begun in clear, and encrypted before anything else is said."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    implicit_tls: bool = False
    starttls: bool = True


def check(kind: ChannelKind, address: Address) -> None:
    """Raises Invalid, without repeating what was typed: it may hold a password."""
    url = address.url
    if not url or len(url) > _LONGEST or not url.isprintable() or " " in url:
        raise _invalid(f"1 to {_LONGEST:,} printable characters without spaces")
    if kind is ChannelKind.EMAIL:
        mail_place(url)
    elif kind is ChannelKind.BROAD:
        _check_broad(url)
    else:
        _check_web(url)
    if address.secret is not None:
        _check_secret(kind, address.secret)


def hint(kind: ChannelKind, url: str) -> str:
    """The last four of what is secret, or less. A webhook's path is left out: some services put a token there."""
    parts = urlsplit(url)
    if kind is ChannelKind.EMAIL:
        place = mail_place(url)
        return f"{', '.join(place.recipients)} by {place.host}"
    if kind is ChannelKind.BROAD:
        return f"{parts.scheme}://••••"
    end = f"••••{url[-4:]}" if kind is ChannelKind.SLACK and len(parts.path) >= 12 else "••••"
    return f"{parts.scheme}://{_host(parts)}/{end}"


def secrets_of(kind: ChannelKind, address: Address) -> list[str]:
    """Whatever must never be read in an answer or a log."""
    parts = urlsplit(address.url)
    found = [address.url, address.secret or "", unquote(parts.password or ""), parts.password or ""]
    if kind is not ChannelKind.EMAIL:
        tail = address.url.partition("://")[2].partition("/")[2]
        found += [parts.path.strip("/"), tail, *(part for part in parts.path.split("/") if len(part) >= 8)]
    if kind is ChannelKind.BROAD:
        found += [parts.netloc, unquote(parts.username or "")]
    return [one for one in found if one]


def mail_place(url: str) -> MailPlace:
    """Raises Invalid."""
    parts = _split(url)
    if parts.scheme not in _SUBMISSION or not parts.hostname:
        raise _invalid(f"must look like {_MAIL_FORM}")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if strange := sorted(query.keys() - {"from", "to", "tls"}):
        raise _invalid(f"has members that are not known: {', '.join(strange)}; known are from, to and tls")
    recipients = tuple(one.strip() for one in query.get("to", "").split(",") if one.strip())
    sender = query.get("from", "")
    if not recipients or not all(map(_PERSON.fullmatch, [sender, *recipients])):
        raise _invalid(f"must name from= and to= as mail addresses, such as {_MAIL_FORM}")
    tls = query.get("tls", "starttls")
    if tls not in ("starttls", "none"):
        raise _invalid("tls= is starttls or none")
    if tls == "none" and parts.password and parts.scheme == "smtp":
        raise _invalid("a password never goes over a connection that is not encrypted; leave tls=none out")
    return MailPlace(
        host=parts.hostname,
        port=_port(parts) or _SUBMISSION[parts.scheme],
        sender=sender,
        recipients=recipients,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        implicit_tls=parts.scheme == "smtps",
        starttls=tls == "starttls",
    )


def signing_key(secret: str) -> bytes:
    """The bytes of `whsec_` and base64. Raises Invalid."""
    try:
        raw = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not secret.startswith("whsec_") or not _SHORTEST_SECRET_BYTES <= len(raw) <= _LONGEST_SECRET_BYTES:
        raise Invalid(
            "This secret cannot sign webhooks.",
            (("/secret", "must be whsec_ and the base64 of 24 to 64 bytes"),),
            next_step="Leave it out: Aforo makes one and shows it once.",
        )
    return raw


def _check_secret(kind: ChannelKind, secret: str) -> None:
    if kind is not ChannelKind.WEBHOOK:
        raise Invalid(
            "Only webhooks are signed.", (("/secret", "belongs to kind webhook"),), next_step="Leave the secret out."
        )
    signing_key(secret)


def _check_web(url: str) -> None:
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _invalid("must be an address that begins with https://")
    if "@" in parts.netloc or parts.fragment:
        raise _invalid("must hold no user name, password or #fragment")
    _port(parts)


def _check_broad(url: str) -> None:
    scheme, found, _ = url.partition("://")
    if not found or not re.fullmatch(r"[a-z][a-z0-9]{1,30}", scheme):
        raise _invalid("must be one URL as apprise writes them, such as tgram://bottoken/ChatID")
    if scheme in _LOCAL_SCHEMES:
        raise _invalid(f"{scheme}:// would tell the machine that Aforo runs on, where nobody reads it")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise _invalid("cannot be read as a URL") from None


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        raise _invalid("has a port that is none") from None
    if port == 0:
        raise _invalid("has a port that is none")
    return port


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _invalid(fault: str) -> Invalid:
    return Invalid("This address cannot be used.", (("/url", fault),), next_step="Correct the address.")
