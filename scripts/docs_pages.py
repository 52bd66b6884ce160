"""The pages of the documentation that are made from the code, as Markdown by path."""

import datetime as dt
import re
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from aforo.app.settings import Settings
from aforo.gateway_sdk.manifest import Bounds, CallLimit, Capability, FormField, Manifest, SignIn, Support
from aforo.gateway_sdk.registry import gateways
from scripts.docs_reference import api_page, cli_page, errors_page

_PACKAGE = Path(__file__).resolve().parents[1] / "src" / "aforo"
_LIVE_RUNS = Path(__file__).resolve().parents[1] / "docs" / "live-runs.toml"
_RELATIVE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://|#)[^)]*\)")
_MARKS = {"yes": "yes", "substitute": "by a substitute", "not_yet": "not yet", "no": "no"}
_CAPABILITY_NAMES = {
    Capability.SIGN_IN: "Sign-in",
    Capability.TEST: "Connection test",
    Capability.DISCOVER: "Discover",
    Capability.CAPTURE: "Capture configuration",
    Capability.DIFF: "Diff",
    Capability.IMPORT: "Import",
    Capability.DRIFT: "Drift",
    Capability.RESTORE: "Restore",
    Capability.PRICING_SYNC: "Pricing sync",
    Capability.MONETIZED_TAG: "Monetized tag and deletion guard",
    Capability.PROVISION: "Provision",
    Capability.SUSPEND: "Suspend and reactivate",
    Capability.ROTATE: "Rotate with grace",
    Capability.REVOKE: "Revoke",
    Capability.ARTIFACT: "Deploy, attach, verify and detach the artifact",
    Capability.ENFORCE: "Enforce and meter on the request path",
}


_BOUND_NAMES = {
    "delivery": "How metered calls reach Aforo",
    "loss": "What a crash costs at most",
    "overshoot": "By how much a quota can be passed",
    "lease_store": "Where leased units are counted",
    "single_flight": "Renewals at once",
}


@dataclass(frozen=True, slots=True)
class LiveRun:
    """The conformance suite against a vendor's own gateway, as `docs/live-runs.toml` records it."""

    gateway: str
    on: dt.date
    what: str
    passed: int
    failed: int


def pages() -> dict[str, str]:
    """Every made page by its path below docs/."""
    manifests = [entry.manifest for entry in gateways().values()]
    made = {
        "reference/capabilities.md": capability_page(manifests, live_runs(_LIVE_RUNS.read_text())),
        "reference/sign-in.md": sign_in_page(manifests),
        "reference/call-limits.md": call_limit_page(manifests),
        "reference/settings.md": settings_page(),
        "reference/api.md": api_page(),
        "reference/cli.md": cli_page(),
        "reference/errors.md": errors_page(),
    }
    made |= {f"how-to/connect-{manifest.key}.md": connect_page(manifest) for manifest in manifests}
    return made | {f"inside/{room.name}.md": _readme(room) for room in rooms()}


def sections() -> dict[str, list[dict[str, str]]]:
    """The navigation entries of the made pages that have no fixed place, by section."""
    names = {key: entry.manifest.name for key, entry in gateways().items()}
    return {
        "How to": [{f"Connect {name}": f"how-to/connect-{key}.md"} for key, name in names.items()],
        "Inside": [{room.name: f"inside/{room.name}.md"} for room in rooms()],
    }


def rooms() -> list[Path]:
    """The rooms that explain themselves, gateways aside: those have pages of their own."""
    return sorted(readme.parent for readme in _PACKAGE.glob("*/README.md"))


def live_runs(text: str) -> list[LiveRun]:
    """The recorded runs, the newest first. Raises LookupError for a gateway that is not there."""
    runs = [LiveRun(**run) for run in tomllib.loads(text).get("run", [])]
    for run in runs:
        if run.gateway not in gateways():
            raise LookupError(f"live-runs.toml names {run.gateway}, which is no gateway here.")
    return sorted(runs, key=lambda run: run.on, reverse=True)


def capability_page(manifests: list[Manifest], runs: Collection[LiveRun]) -> str:
    """One row for each of the sixteen capabilities, one column for each gateway, then the words behind the cells."""
    lines = [
        "# Capabilities",
        "",
        "Made from the gateways' manifests. What says *yes* or *by a substitute* is held to it by the conformance",
        "suite, which runs on the gateway's emulator. An emulator is not the vendor: the last row tells where the",
        "suite ran for real, and when.",
        "",
        _row(["", *(manifest.name for manifest in manifests)]),
        _row(["---"] * (len(manifests) + 1)),
    ]
    for capability, name in _CAPABILITY_NAMES.items():
        lines.append(_row([name, *(_MARKS[_support(manifest, capability).level] for manifest in manifests)]))
    lines.append(_row(["**Run live on**", *(_run_live(manifest, runs) for manifest in manifests)]))
    for manifest in manifests:
        lines += [
            "",
            f"## {manifest.name}",
            "",
            *_words(manifest),
            "",
            *_bounds(manifest.bounds),
            "",
            *_usage(manifest),
        ]
    return _page(lines)


def sign_in_page(manifests: list[Manifest]) -> str:
    """Every way to connect with its fields, under the names that the command line and the API use."""
    lines = ["# Sign-in forms", "", "The fields of `settings`, as the connect form asks for them.", ""]
    for manifest in manifests:
        lines += [f"## {manifest.name}", ""]
        for way in manifest.sign_ins:
            lines += _form(way)
    return _page(lines)


def call_limit_page(manifests: list[Manifest]) -> str:
    """What each gateway's management API allows, which Aforo's own limiter stays under."""
    lines = ["# Call limits", "", "Aforo keeps its calls to a gateway's management API below these figures.", ""]
    for manifest in manifests:
        lines += [f"## {manifest.name}", "", *_limits(manifest), ""]
    return _page(lines)


def settings_page() -> str:
    """Every environment variable that an installation can set."""
    prefix = Settings.model_config.get("env_prefix", "")
    rows = [
        _row(
            [
                f"`{prefix}{name.upper()}`",
                "" if field.default is None else f"`{field.default}`",
                field.description or "",
            ]
        )
        for name, field in Settings.model_fields.items()
    ]
    return _page(
        ["# Settings", "", "Environment variables.", "", _row(["name", "default", ""]), _row(["---"] * 3), *rows]
    )


def connect_page(manifest: Manifest) -> str:
    """The gateway's own README, behind the ways to connect in short."""
    ways = [f"- **{way.label}** (`{way.key}`). {way.help}".rstrip() for way in manifest.sign_ins]
    fields = "Their fields are listed under [Sign-in forms](../reference/sign-in.md)."
    readme = _PACKAGE / "gateways" / manifest.key
    text = _demoted(_readme(readme)) if (readme / "README.md").exists() else ""
    return _page([f"# Connect {manifest.name}", "", "Ways to connect:", "", *ways, "", fields, "", text])


def _support(manifest: Manifest, capability: Capability) -> Support:
    return manifest.capabilities.get(capability, Support("no"))


def _words(manifest: Manifest) -> Iterable[str]:
    for capability, name in _CAPABILITY_NAMES.items():
        support = _support(manifest, capability)
        yield f"- **{name}**, {_MARKS[support.level]}{': ' * bool(support.words)}{support.words}"


def _run_live(manifest: Manifest, runs: Collection[LiveRun]) -> str:
    mine = [run for run in runs if run.gateway == manifest.key]
    told = [f"{run.what}, {run.on:%Y-%m-%d}: {run.passed} passed, {run.failed} failed" for run in mine]
    return "; ".join(told) or "none yet"


def _bounds(bounds: Bounds | None) -> list[str]:
    """What is guaranteed on the request path, where something of ours runs there."""
    if bounds is None:
        return ["Nothing of Aforo's runs inside this gateway, so there are no bounds on delivery, loss and overshoot."]
    table = [_row(["on the request path", ""]), _row(["---"] * 2)]
    return [*table, *(_row([name, str(getattr(bounds, key)).replace("_", " ")]) for key, name in _BOUND_NAMES.items())]


def _usage(manifest: Manifest) -> list[str]:
    """What the gateway's own usage figures are worth, where they are read."""
    facts = manifest.usage
    if facts is None:
        return ["Aforo does not read usage figures of this gateway's own."]
    late = "the vendor does not say" if facts.lag_minutes is None else f"about {facts.lag_minutes} min"
    told = (
        ("a figure is of", facts.granularity),
        ("days of", facts.zone),
        ("late by", late),
        ("goes back", f"{facts.history_days} days"),
        ("counted", facts.counts),
        ("exactness", facts.exactness),
    )
    return [_row(["the gateway's own figures", ""]), _row(["---"] * 2), *(_row(list(pair)) for pair in told)]


def _form(way: SignIn) -> list[str]:
    head = [f"### {way.label} (`{way.key}`)", "", way.help, ""]
    table = [_row(["field", "", "needed", "default", "hint"]), _row(["---"] * 5)]
    return [*head, *table, *(_row(_field(field)) for field in way.fields), ""]


def _field(field: FormField) -> list[str]:
    label = f"{field.label} (secret)" if field.secret else field.label
    hint = "; ".join([field.hint] * bool(field.hint) + [f"`{value}` {words}" for value, words in field.choices])
    return [f"`{field.name}`", label, "yes" if field.required else "", field.default and f"`{field.default}`", hint]


def _limits(manifest: Manifest) -> list[str]:
    if not manifest.call_limits:
        return ["The vendor states none; Aforo goes by `Retry-After`."]
    table = [_row(["operations", "at most", "at once", "source"]), _row(["---"] * 4)]
    return [*table, *(_row(_limit(limit)) for limit in manifest.call_limits)]


def _limit(limit: CallLimit) -> list[str]:
    which = f"`{limit.operation}…`" if limit.operation else "all"
    return [which, f"{limit.calls:g} in {limit.per_seconds:g} s", str(limit.burst), limit.source]


def _readme(folder: Path) -> str:
    """The text with links into the source tree turned into plain words, since they lead nowhere from here."""
    return _RELATIVE_LINK.sub(r"\1", (folder / "README.md").read_text())


def _demoted(text: str) -> str:
    """Headings one level lower, for a text that goes under another's; fenced code is left alone."""
    parts = text.split("```")
    return "```".join(re.sub(r"(?m)^#", "##", part) if at % 2 == 0 else part for at, part in enumerate(parts))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"
