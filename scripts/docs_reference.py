"""The reference pages that are made from what the program serves: its API, its command line, its error codes."""

import asyncio
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import typer

from aforo.app.api import create
from aforo.app.cli.exits import MEANING
from aforo.app.cli.program import program
from aforo.app.problems import status_of
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms
from aforo.enforcement.rules.decide import STATUS, Reason
from aforo.kit.errors import AforoError

_DEEPEST: Final = 2
_TEXT_OF_REASONS: Final = {
    Reason.NO_SUBSCRIPTION: "Nobody's credential, or no active subscription.",
    Reason.SUBSCRIPTION_SUSPENDED: "The subscription is suspended.",
    Reason.CREDENTIAL_REVOKED: "The credential was revoked.",
    Reason.PRODUCT_NOT_IN_PLAN: "The plan does not hold this product.",
    Reason.FEATURE_NOT_IN_PLAN: "The plan does not hold this feature.",
    Reason.RATE_LIMITED: "Over a rate limit of the plan; `Retry-After` says when to try again.",
    Reason.QUOTA_EXCEEDED: "A HARD quota is used up; `Retry-After` ends with the period.",
    Reason.SPEND_CAP: "The spend cap of the subscription is reached.",
    Reason.MARGIN_BLOCKED: "The margin guard blocks this customer (L3).",
    Reason.MARGIN_THROTTLED: "The margin guard lets only some calls through (L2).",
}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document as /openapi.json answers it."""

    async def made() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            rooms = open_rooms(Settings(data_dir=Path(folder)))
            try:
                return create(rooms).openapi()
            finally:
                await rooms.aclose()

    return asyncio.run(made())


def api_page() -> str:
    """Every operation by subject: what it takes, what it answers, with an example of both."""
    told = document()
    lines = [
        "# API", "",
        "Made from the OpenAPI document, which a running Aforo serves at `/openapi.json`. Send a key as",
        "`Authorization: Bearer sk_live_…`, `X-API-Key` or `X-Aforo-Key`. Lists answer `data` and `nextCursor`; what",
        "fails answers a problem whose [`code`](errors.md) is stable.", "",
    ]  # fmt: skip
    subjects = _by_subject(told)
    lines += [f"- [{name}](#{name})" for name in subjects]
    for name, operations in subjects.items():
        lines += ["", f"## {name}"]
        for method, path, operation in operations:
            lines += ["", *_operation(method, path, operation, told["components"]["schemas"])]
    return "\n".join(lines).rstrip() + "\n"


def cli_page() -> str:
    """Every command with its arguments and options, as `--help` tells them."""
    lines = ["# Command line", "", "Made from the program. Most commands take `--json` for programs to read.", ""]
    lines += ["| exit status | meaning |", "| --- | --- |"]
    lines += [f"| {code.value} | {words} |" for code, words in MEANING.items()]
    root = typer.main.get_command(program())
    for words, command in _commands(root, ("aforo",)):
        lines += ["", f"## {' '.join(words)}", "", *_command(words, command)]
    return "\n".join(lines).rstrip() + "\n"


def errors_page() -> str:
    """Every code of a problem answer, and every reason for which a call is refused."""
    lines = [
        "# Error codes", "",
        "What fails answers `application/problem+json` (RFC 9457): `code` is stable and for programs, `detail` and",
        "`nextStep` are for people. A `503` or `429` may be sent again after `Retry-After` seconds; the same",
        "`Idempotency-Key` makes that safe.", "",
        "| code | status | when |", "| --- | --- | --- |",
        *(f"| `{code}` | {status} | {words} |" for code, status, words in sorted(_codes())), "",
        "## Refused calls", "",
        "What `/v1/check` and `/v1/leases` answer as `reason`, and the status that a gateway gives its caller:", "",
        "| reason | status | when |", "| --- | --- | --- |",
        *(f"| `{reason.value}` | {STATUS[reason]} | {words} |" for reason, words in _TEXT_OF_REASONS.items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _by_subject(told: Mapping[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            subject = (operation.get("tags") or ["other"])[0]
            found.setdefault(subject, []).append((method.upper(), path, operation))
    return {name: found[name] for name in sorted(found)}


def _operation(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {method} {path.replace('{', '&#123;').replace('}', '&#125;')}"
    yield ""
    yield f"{operation.get('summary', '').rstrip('.')}."
    if operation.get("description"):
        yield from ("", operation["description"])
    if operation.get("parameters"):
        yield from ("", "| parameter | in | |", "| --- | --- | --- |")
        for one in operation["parameters"]:
            yield _row(f"`{one['name']}`", one["in"], one.get("description", ""))
    taken = operation.get("requestBody", {}).get("content", {})
    for kind, content in taken.items():
        yield from ("", f"Takes `{kind}`:", "")
        yield from _members(content.get("schema", {}), schemas)
        yield from _example(content)
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield from ("", f"Answers **{status}**.")
            for content in answer.get("content", {}).values():
                yield from _example(content)
    problems = [status for status in operation["responses"] if not status.startswith("2")]
    if problems:
        yield from ("", f"Problems: {', '.join(problems)}.")


def _members(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    rows = list(_rows(schema, schemas, "", 0))
    if rows:
        yield from ("| member | type | needed | |", "| --- | --- | --- | --- |", *rows)


def _rows(schema: Mapping[str, Any], schemas: Mapping[str, Any], before: str, depth: int) -> Iterator[str]:
    found = _resolved(schema, schemas)
    needed = found.get("required", ())
    for name, member in found.get("properties", {}).items():
        yes = "yes" if name in needed else ""
        yield _row(f"`{before}{name}`", _type(member, schemas), yes, member.get("description", ""))
        inner, mark = _inner(member, schemas)
        if inner is not None and depth < _DEEPEST:
            yield from _rows(inner, schemas, f"{before}{name}{mark}.", depth + 1)


def _inner(member: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    found = _resolved(member, schemas)
    for one in found.get("anyOf", [found]):
        part = _resolved(one, schemas)
        if part.get("properties"):
            return part, ""
        if part.get("type") == "array" and _resolved(part.get("items", {}), schemas).get("properties"):
            return _resolved(part["items"], schemas), "[]"
    return None, ""


def _type(member: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    found = _resolved(member, schemas)
    if "anyOf" in found:
        return " or ".join(dict.fromkeys(_type(one, schemas) for one in found["anyOf"]))
    if "enum" in found:
        return ", ".join(f"`{one}`" for one in found["enum"])
    kind = found.get("type", "any")
    if kind == "array":
        return f"array of {_type(found.get('items', {}), schemas)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schemas[name] if name else schema
    return found


def _example(content: Mapping[str, Any]) -> Iterator[str]:
    if "example" in content:
        yield from ("", "```json", json.dumps(content["example"], indent=2, ensure_ascii=False), "```")


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Depth first, groups aside: their commands say what they do. Typer's commands are Click's in all that is read."""
    below = getattr(command, "commands", None)
    if below is None:
        yield words, command
        return
    for name, one in below.items():
        if not one.hidden:
            yield from _commands(one, (*words, name))


def _command(words: tuple[str, ...], command: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=" ".join(words))
    yield " ".join((command.help or "").replace("\b", " ").split())
    yield from ("", "```", command.get_usage(context).removeprefix("Usage: "), "```")
    rows = [told for one in command.params if (told := one.get_help_record(context))]
    if rows:
        yield from ("", "| option | |", "| --- | --- |")
        yield from (_row(f"`{name}`", " ".join(told.split())) for name, told in rows)


def _codes() -> list[tuple[str, int, str]]:
    """Where a narrower kind has its parent's code, the parent's words are shown."""
    found = {"internal": ("internal", 500, "Aforo failed while working on this; it has been logged.")}
    for kind in _kinds(AforoError):
        if "code" in vars(kind):
            words = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
            found.setdefault(kind.code, (kind.code, status_of(kind)[0], words))
    return list(found.values())


def _kinds(kind: type[AforoError]) -> Iterable[type[AforoError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
