"""Connected gateways, their tests, health and breaker, and the connect forms."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, number, pairs, table

View = Mapping[str, Any]

_VERDICT: Final = {"OK": ("✓", "green", "ok"), "LIMITED": ("!", "yellow", "limited"), "FAILED": ("✗", "red", "failed")}
_HEALTH: Final = {"HEALTHY": "green", "DEGRADED": "yellow", "ERROR": "red"}
_BREAKER: Final = {"CLOSED": "green", "HALF_OPEN": "yellow", "OPEN": "red"}


def listed(view: View, products: Mapping[str, int]) -> RenderableType:
    """`products` counts the imported ones by integration id."""
    if not view["data"]:
        return hanging("", "No gateway yet. Connect one to see its products and what they earn.")
    return table(
        ("NAME", "GATEWAY", "HEALTH", "BREAKER", "PRODUCTS", "ID"),
        [
            (row["name"], row["gateway"] + (" (emulated)" if row["emulated"] else ""), health_word(row["health"]),
             breaker_word(row["breaker"]), number(products.get(row["id"], 0)), row["id"])
            for row in view["data"]
        ],
        right=frozenset({"PRODUCTS"}),
    )  # fmt: skip


def one(view: View) -> Group:
    facts: list[tuple[str, str | Text]] = [
        ("Integration", view["name"]),
        ("Id", view["id"]),
        ("Gateway", view["gateway"] + (" (emulated)" if view["emulated"] else "")),
        ("Sign-in", view["signIn"]),
        *((name, _setting(value)) for name, value in sorted(view["settings"].items())),
        *((_fact_name(name), value) for name, value in sorted(view["facts"].items())),
        ("Health", health_word(view["health"])),
        ("Breaker", breaker_word(view["breaker"])),
        ("Connected", moment(view["createdAt"])),
    ]
    tested = view["lastTest"]
    if not tested:
        return lines([pairs([*facts, ("Last test", "never")])])
    words = f"{'passed' if tested['passed'] else 'failed'} {moment(tested['at'])}"
    return lines([pairs([*facts, ("Last test", words)]), test(tested)])


def test(view: View) -> Group:
    return lines(_checks(view))


def health(view: View) -> Group:
    facts: list[tuple[str, str | Text]] = [
        ("Health", health_word(view["health"])),
        ("Failures in a row", number(view["consecutiveFailures"])),
        ("Last good call", moment(view["lastOkAt"])),
        ("Last failed call", moment(view["lastFailedAt"])),
        ("Last error", " ".join(part for part in (view["lastError"], _code(view["lastErrorCode"])) if part) or NOTHING),
    ]
    history = [
        (moment(point["at"]), health_word(point["health"]), _ms(point["tookMs"]), point["detail"] or NOTHING)
        for point in view["history"]
    ]
    parts: list[RenderableType] = [pairs(facts)]
    if history:
        parts += [Text(), table(("AT", "HEALTH", "TOOK", "DETAIL"), history, right=frozenset({"TOOK"}))]
    return lines(parts)


def breaker(view: View) -> RenderableType:
    return pairs(
        [
            ("Breaker", breaker_word(view["state"])),
            ("Failures in a row", number(view["consecutiveFailures"])),
            ("Since", moment(view["since"])),
            ("Last failure", view["lastFailure"] or NOTHING),
            ("Tried again", moment(view["probeAt"])),
        ]
    )


def forms(view: View) -> Group:
    """What can be connected, and what each way of signing in asks for."""
    return lines(_forms(view))


def health_word(word: str) -> Text:
    return Text(word, style=_HEALTH.get(word, "dim"))


def breaker_word(word: str) -> Text:
    return Text(word, style=_BREAKER.get(word, "dim"))


def _checks(view: View) -> Iterator[RenderableType]:
    for check in view["checks"]:
        sign, style, words = _VERDICT.get(check["verdict"], ("?", "", str(check["verdict"]).lower()))
        took = _ms(check["tookMs"], "")
        tail = "  ".join(part for part in (check["detail"], "" if took in check["detail"] else took) if part)
        yield hanging("  ", (f"{sign} {words:<8}", style), (check["name"], "bold"), f"  {tail}" if tail else "")
        if check["nextStep"]:
            yield hanging("      Next: ", check["nextStep"])
        if check["code"]:
            yield hanging("      ", (f"({check['code']})", "dim"))


def _forms(view: View) -> Iterator[RenderableType]:
    for gateway in view["data"]:
        yield hanging("", (gateway["key"], "bold"), f"  {gateway['name']}")
        for way in gateway["signIns"]:
            praise = "  (recommended)" if way["recommended"] else ""
            yield hanging("  --sign-in ", (way["key"], "bold"), f"  {way['label']}{praise}")
            yield from (_form_field(field) for field in way["fields"])


def _form_field(field: View) -> RenderableType:
    traits = [
        "required" if field["required"] and not field["default"] else "",
        "secret" if field["secret"] else "",
        f"default {field['default']}" if field["default"] else "",
        f"one of {', '.join(field['choices'])}" if field["choices"] else "",
        field["hint"],
    ]
    told = "; ".join(trait for trait in traits if trait)
    return hanging("      ", (field["name"], "bold"), f"  {field['label']}" + (f" ({told})" if told else ""))


def _setting(value: str) -> str:
    """A file's text is told by its size; `--json` prints it."""
    count = value.count("\n") + 1
    return f"({count:,} lines)" if count > 1 else value


def _fact_name(name: str) -> str:
    return "ExternalId" if name == "external_id" else name


def _ms(took: float | None, nothing: str = NOTHING) -> str:
    return nothing if took is None else f"{took:,.0f} ms"


def _code(code: str | None) -> str:
    return f"({code})" if code else ""
