"""Check what an operator typed into a connect form against the manifest."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from aforo.gateway_sdk.manifest import FieldKind, FormField, SignIn
from aforo.kit.errors import Invalid
from aforo.kit.jsontree import escape

_LONGEST_NAME: Final = 200
_LONGEST_LINE: Final = 2_000
_LONGEST_TEXT_BYTES: Final = 5_000_000
_SHORTEST_TO_SHOW: Final = 12
_NO_HOST: Final = re.compile(r"[\s\\^`{|}<>\"]")
_NO_ADDRESS: Final = "must be an address such as https://gateway.example:8444"
_PROXY: Final = "proxy"
_DECIDES_WHO_READS: Final = frozenset({"ca_bundle", "region", "header_name"})
"""Beside addresses: the authority that may vouch for another host, what is part of a host's name, and the header in
which a secret travels, since some are written into logs on the way."""


def checked(
    sign_in: SignIn, values: Mapping[str, str], *, kept: frozenset[str] = frozenset(), moved: bool = False
) -> dict[str, str]:
    """The values with defaults filled in and blanks dropped; raises Invalid naming every fault at once.

    `kept` are secret fields that are stored already and need not be typed again; `moved` says why there are none.
    """
    known = {field.name: field for field in sign_in.fields}
    faults = [(f"/settings/{escape(name)}", "not a field of this sign-in") for name in values if name not in known]
    clean: dict[str, str] = {}
    for name, field in known.items():
        value = _typed(field, values)
        if fault := _fault(field, value, stored=name in kept):
            faults.append((f"/settings/{escape(name)}", fault))
        elif value:
            clean[name] = value
    if faults:
        again = " A stored secret never goes to a new place, so enter it again." if moved else ""
        raise Invalid(
            "The connection's settings are not complete.",
            tuple(faults),
            next_step=f"Correct the fields named.{again}",
        )
    return clean


def checked_name(name: str) -> str:
    """A name that people can read and type; raises Invalid."""
    clean = name.strip()
    if not 1 <= len(clean) <= _LONGEST_NAME or not clean.isprintable():
        fault = f"1 to {_LONGEST_NAME} printable characters"
        raise Invalid("This name cannot be used.", (("/name", fault),), next_step="Choose another name.")
    return clean


def missing(sign_in: SignIn, settings: Mapping[str, str], secrets: Mapping[str, str]) -> list[FormField]:
    """Fields that must still be given before the gateway can be called."""
    return [field for field in sign_in.fields if field.required and not ({**settings, **secrets}).get(field.name)]


def moves(sign_in: SignIn, before: Mapping[str, str], typed: Mapping[str, str]) -> bool:
    """Whether a setting that decides where a secret goes, or who can read it there, would become another one."""
    deciding = [field for field in sign_in.fields if field.name in _DECIDES_WHO_READS and not field.secret]
    return goes_elsewhere(sign_in, before, typed) or _differ(deciding, before, typed)


def goes_elsewhere(sign_in: SignIn, before: Mapping[str, str], typed: Mapping[str, str]) -> bool:
    """Whether some address among the settings, or the proxy on the way, would become another one."""
    return _differ([field for field in sign_in.fields if field.kind is FieldKind.URL], before, typed)


def addresses(sign_in: SignIn, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Where a connection leads to, by whatever way."""
    fields = [field for field in sign_in.fields if field.kind is FieldKind.URL and field.name != _PROXY]
    return tuple(_typed(field, settings) for field in fields)


def split(sign_in: SignIn, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Secrets apart from settings."""
    secret = {field.name for field in sign_in.fields if field.secret}
    return (
        {name: value for name, value in values.items() if name in secret},
        {name: value for name, value in values.items() if name not in secret},
    )


def hints(sign_in: SignIn, secrets: Mapping[str, str]) -> dict[str, str]:
    """What may be shown of secrets: the last four characters; of a whole document only its length."""
    fields = {field.name: field for field in sign_in.fields}
    return {name: _hint(fields[name], secret) for name, secret in secrets.items()}


def _hint(field: FormField, secret: str) -> str:
    if field.kind is FieldKind.MULTILINE:
        return f"•••• (document of {len(secret):,} characters)"
    return f"••••{secret[-4:]}" if len(secret) >= _SHORTEST_TO_SHOW else "••••"


def _differ(fields: list[FormField], before: Mapping[str, str], typed: Mapping[str, str]) -> bool:
    return any(_typed(field, typed) != _typed(field, before) for field in fields if field.name in typed)


def _typed(field: FormField, values: Mapping[str, str]) -> str:
    """Browsers end each line with two characters; the same text must not look like another one."""
    return values.get(field.name, "").replace("\r\n", "\n").strip() or field.default


def _fault(field: FormField, value: str, *, stored: bool) -> str | None:
    if not value:
        return f"{field.label} is required" if field.required and not field.later and not stored else None
    if field.kind is FieldKind.CONSENT:
        return "is given on the provider's page, and cannot be typed"
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        return "holds half a character"
    if field.kind is FieldKind.MULTILINE:
        return f"longer than {_LONGEST_TEXT_BYTES:,} bytes" if len(value.encode()) > _LONGEST_TEXT_BYTES else None
    if len(value) > _LONGEST_LINE:
        return f"longer than {_LONGEST_LINE:,} characters"
    if any(ord(letter) < 32 for letter in value):
        return "must be one line"
    if field.kind is FieldKind.URL and (fault := _address_fault(value)):
        return fault
    if field.choices and value not in {choice for choice, _ in field.choices}:
        return "must be one of " + ", ".join(choice for choice, _ in field.choices)
    return None


def _address_fault(value: str) -> str | None:
    if not value.lower().startswith(("http://", "https://")):
        return "must begin with http:// or https://"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return _NO_ADDRESS
    if "@" in parts.netloc:
        return "must not hold a user name or password: there are fields of their own for those"
    return _NO_ADDRESS if not parts.hostname or port == 0 or _NO_HOST.search(parts.netloc) else None
