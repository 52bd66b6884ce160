"""Check what an operator typed into a connect form against the manifest."""

from collections.abc import Mapping

from aforo.gateway_sdk.manifest import FieldKind, FormField, SignIn
from aforo.kit.errors import Invalid
from aforo.kit.jsontree import escape

_LONGEST = 1024 * 1024
_LONGEST_NAME = 100


def checked(sign_in: SignIn, values: Mapping[str, str], *, kept: frozenset[str] = frozenset()) -> dict[str, str]:
    """The values with defaults filled in and blanks dropped; raises Invalid naming every fault at once.

    `kept` are secret fields that are stored already and need not be typed again.
    """
    known = {field.name: field for field in sign_in.fields}
    faults = [(f"/settings/{escape(name)}", "not a field of this sign-in") for name in values if name not in known]
    clean: dict[str, str] = {}
    for name, field in known.items():
        value = values.get(name, "").strip() or field.default
        if fault := _fault(field, value, stored=name in kept):
            faults.append((f"/settings/{escape(name)}", fault))
        elif value:
            clean[name] = value
    if faults:
        raise Invalid(
            "The connection's settings are not complete.", tuple(faults), next_step="Correct the fields named."
        )
    return clean


def moves(sign_in: SignIn, before: Mapping[str, str], typed: Mapping[str, str]) -> bool:
    """Whether some address among the settings would become another one."""
    addresses = [field for field in sign_in.fields if field.kind is FieldKind.URL]
    return any(
        field.name in typed and (typed[field.name].strip() or field.default) != before.get(field.name, field.default)
        for field in addresses
    )


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


def _fault(field: FormField, value: str, *, stored: bool) -> str | None:
    if not value:
        return f"{field.label} is required" if field.required and not field.later and not stored else None
    if len(value) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    if field.kind is FieldKind.URL and not value.lower().startswith(("http://", "https://")):
        return "must begin with http:// or https://"
    if field.kind is FieldKind.URL and "@" in value.split("/")[2]:
        return "must not hold a user name or password: there are fields of their own for those"
    if field.kind is not FieldKind.MULTILINE and any(ord(letter) < 32 for letter in value):
        return "must be one line"
    if field.choices and value not in {choice for choice, _ in field.choices}:
        return "must be one of " + ", ".join(choice for choice, _ in field.choices)
    return None
