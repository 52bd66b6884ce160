"""The connect form as the pages draw it. A secret goes in and never comes back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData

from aforo.gateway_sdk.manifest import FieldKind, FormField, Manifest, SignIn, SignInGroup
from aforo.integrations.model import Integration
from aforo.kit.errors import AforoError, Invalid

_PREFIX: Final = "set."
"""Before each field of a sign-in, so that none can be taken for one of the form's own, such as `name`."""
_INPUTS: Final = {
    FieldKind.TEXT: "text",
    FieldKind.URL: "url",
    FieldKind.CHOICE: "choice",
    FieldKind.MULTILINE: "multiline",
}
_GROUPS: Final = {
    SignInGroup.OAUTH2: "OAuth2",
    SignInGroup.AWS_ROLE: "AWS role",
    SignInGroup.MANUAL: "Manual",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person sent: the integration's name, and settings by field name. Blanks are left out."""

    name: str
    settings: Mapping[str, str]


def typed(form: FormData) -> Typed:
    sent = {key.removeprefix(_PREFIX): str(value) for key, value in form.items() if key.startswith(_PREFIX)}
    return Typed(str(form.get("name", "")).strip(), {name: value for name, value in sent.items() if value.strip()})


def check_name(name: str) -> None:
    """Raise Invalid for no name at all; the room itself refuses one that cannot be read."""
    if not name:
        raise Invalid("The integration has no name.", (("/name", "Name is required"),), next_step="Type one.")


def names(form: FormData) -> frozenset[str]:
    """The settings that stood in a form, filled or not."""
    return frozenset(key.removeprefix(_PREFIX) for key in form if key.startswith(_PREFIX))


def without_secrets(way: SignIn, settings: Mapping[str, str]) -> dict[str, str]:
    """What may be kept, or shown again."""
    open_ones = {field.name for field in way.fields if not field.secret}
    return {name: value for name, value in settings.items() if name in open_ones}


def inputs(
    fields: Iterable[FormField],
    settings: Mapping[str, str],
    hints: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Each field for the template. `hints` are the last four of secrets that are stored already."""
    kept, wrong = hints or {}, errors or {}
    typed_ones = [field for field in fields if field.kind is not FieldKind.CONSENT]
    return [_input(field, settings, kept.get(field.name, ""), wrong.get(field.name, "")) for field in typed_ones]


def faults(fault: AforoError) -> dict[str, str]:
    """What is wrong, by field name; a refusal that names no field is about the name."""
    if not isinstance(fault, Invalid):
        return {"name": str(fault)}
    return {pointer.rsplit("/", 1)[-1]: detail for pointer, detail in fault.faults} or {"name": str(fault)}


def summary(errors: Mapping[str, str], way: SignIn) -> list[tuple[str, str]]:
    """The linked list over the form: (input's name, words)."""
    labels = {field.name: field.label for field in way.fields}
    return [
        (f"{_PREFIX}{name}" if name in labels else name, _named(labels.get(name, ""), words))
        for name, words in errors.items()
    ]


def groups(manifest: Manifest) -> list[dict[str, Any]]:
    """The ways to sign in under their headings, recommended ones first."""
    found = []
    for group, heading in _GROUPS.items():
        ways = [way for way in manifest.sign_ins if way.group is group]
        ways.sort(key=lambda way: not way.recommended)
        if ways:
            praised = group is not SignInGroup.MANUAL and ways[0].recommended
            found.append({"heading": f"{heading} (recommended)" if praised else heading, "ways": ways})
    return found


def needs_setup(way: SignIn, one: Integration) -> bool:
    """Whether something that only exists once Aforo has made its part is still to be given."""
    given = {**one.settings, **one.secret_hints}
    return any(field.later and field.required and not given.get(field.name) for field in way.fields)


def _input(field: FormField, settings: Mapping[str, str], hint: str, error: str) -> dict[str, Any]:
    kind = _INPUTS[field.kind]
    stored = f"Stored: {hint}. Leave empty to keep it." if hint else ""
    return {
        "name": f"{_PREFIX}{field.name}",
        "label": field.label,
        "kind": "password" if field.secret and kind == "text" else kind,
        "value": "" if field.secret else settings.get(field.name, field.default),
        "hint": " ".join(part for part in (field.hint, stored) if part),
        "error": _named(field.label, error) if error else "",
        "required": field.required and not hint,
        "options": list(field.choices),
        "autocomplete": "new-password" if field.secret else "off",
        "rare": not field.required and not field.secret,
        "filled": bool(settings.get(field.name)),
    }


def _named(label: str, words: str) -> str:
    """`must be one line` → `Token must be one line`."""
    return words if not label or words.startswith(label) else f"{label} {words}"
