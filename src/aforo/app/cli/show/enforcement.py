"""The artifact at a gateway: what deploying would do, how it stands, what a verification found."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, pairs, plural, table

View = Mapping[str, Any]

_ACTION: Final = {
    "create": ("+ ", "green"),
    "update": ("~ ", "yellow"),
    "wrap": ("~ ", "yellow"),
    "keep": ("= ", "dim"),
    "by_hand": ("> ", "cyan"),
}
_VERDICT: Final = {"OK": ("✓ ", "green"), "LIMITED": ("! ", "yellow"), "FAILED": ("✗ ", "red")}
_PHASE: Final = {"ATTACHED": "green", "DEPLOYED": "yellow", "DIFFERS": "red", "ABSENT": "dim"}
_MODE: Final = {"observe": "yellow", "enforce": "green", "paused": "bold red"}

_NAMED: Final = 6


def preview(view: View, integration: str) -> Group:
    """In the manner of Terraform."""
    return lines(_preview_parts(view, integration))


def standing(view: View, integration: str) -> Group:
    return lines(_standing_parts(view, integration))


def verified(view: View) -> Group:
    return lines(_verified_parts(view))


def refusals(view: View) -> Group:
    """Who would have been refused."""
    return lines(_refusal_parts(view))


def switch(view: View) -> RenderableType:
    if view["paused"]:
        return hanging("", ("Paused everywhere ", "bold red"), f"since {moment(view['since'])}: nothing is refused.")
    return hanging("", "Not paused: products that enforce refuse.")


def _preview_parts(view: View, integration: str) -> Iterator[RenderableType]:
    yield hanging("", f"Artifact {view['version']} at {integration}; gateways send to {view['ingestUrl']}")
    yield Text()
    for step in view["steps"]:
        sign, style = _ACTION[step["action"]]
        words = "by hand: " if step["action"] == "by_hand" else f"{step['action']} "
        yield hanging("  ", (sign, style), words, step["what"])
        if step["detail"]:
            yield hanging("      ", (step["detail"], "dim"))
        if step["danger"]:
            yield hanging("      ", ("! ", "bold yellow"), (step["danger"], "yellow"))
    for note in view["notes"]:
        yield hanging("  ", ("note  ", "dim"), note)
    for document in view["documents"]:
        yield hanging("  ", ("file  ", "dim"), f"{document['filename']} (--save FOLDER writes it)")
    hits = _some(view["hits"])
    yield Text()
    yield hanging("", (f"Preview: {plural(len(view['steps']), 'step')}; calls of {hits} pass through it.", "bold"))


def _standing_parts(view: View, integration: str) -> Iterator[RenderableType]:
    yield pairs(list(_facts(view, integration)))
    if view["unfinished"]:
        again = f"{view['unfinished'].capitalize()} broke off. Do it again, or detach: both finish what it began."
        yield hanging("", ("! ", "bold yellow"), (again, "yellow"))
    if view["fault"]:
        yield hanging("", ("✗ ", "red"), view["fault"])
    if view["phase"] == "ATTACHED":
        yield Text()
        yield from _refusal_parts(view["wouldRefuse"])


def _facts(view: View, integration: str) -> Iterator[tuple[str, str | Text]]:
    observed, paused = view["observed"], view["paused"]
    yield "Integration", integration
    yield "Phase", Text(view["phase"], _PHASE[view["phase"]])
    if observed:
        told = observed["phase"] + (f" ({observed['detail']})" if observed["detail"] else "")
        yield "At the gateway", Text(told, _PHASE[observed["phase"]])
    else:
        yield "At the gateway", "could not be asked"
    yield "Mode", Text(view["mode"], _MODE[view["mode"]])
    if paused:
        yield "Paused", f"{moment(paused['since'])}: {paused['reason']}"
    yield (
        "Version",
        (view["version"] or NOTHING)
        + (f" ({view['available']} is available)" if view["available"] not in ("", view["version"]) else ""),
    )
    yield "Attached to", ", ".join(view["attached"]) or NOTHING
    yield "Enforced", f"{len(view['enforcedProductIds']):,} of {plural(view['products'], 'product')}"
    if view["bounds"]:
        yield "Overshoot", view["bounds"]["overshoot"]
        yield "Loss", view["bounds"]["loss"]
    if verification := view["verification"]:
        yield "Verified", f"{'passed' if verification['passed'] else 'failed'} {moment(verification['at'])}"


def _refusal_parts(view: View) -> Iterator[RenderableType]:
    since = moment(view["since"])
    if not view["data"]:
        yield hanging("", f"Nobody would have been refused since {since}.")
    else:
        calls, customers = plural(view["calls"], "call"), plural(view["customers"], "customer")
        yield hanging("", (f"{calls} of {customers} would have been refused since {since}:", "bold"))
        yield table(
            ("CUSTOMER", "PRODUCT", "REASON", "CALLS", "LAST"),
            [
                (row["customer"], row["product"], row["reason"], f"{row['calls']:,}", moment(row["lastAt"]))
                for row in view["data"]
            ],
            right=frozenset({"CALLS"}),
        )
        if any(row["reason"].startswith("margin_") for row in view["data"]):
            yield hanging("", ("Those by margin are refused only where the margin guard itself enforces.", "dim"))
    if view["unnamed"]:
        yield hanging("", (f"{plural(view['unnamed'], 'refusal')} more named no product.", "dim"))


def _verified_parts(view: View) -> Iterator[RenderableType]:
    for check in view["checks"]:
        sign, style = _VERDICT[check["verdict"]]
        yield hanging("", (sign, style), check["name"], ("  " + check["detail"] if check["detail"] else "", "dim"))
        if check["nextStep"]:
            yield hanging("    ", check["nextStep"])
    if view["canaryLeft"]:
        yield hanging("", ("! ", "bold yellow"), f"Of the canary is left: {view['canaryLeft']}.")
    words = "Verified." if view["passed"] else "Not verified."
    yield hanging("", (words, "bold green" if view["passed"] else "bold red"))


def _some(names: Sequence[str]) -> str:
    """The first few by name, the others counted."""
    if not names:
        return "nothing"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
