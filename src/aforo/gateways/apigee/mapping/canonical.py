"""Apigee's JSON → canonical fields, by named rules that can be listed, read and taken away one at a time."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aforo.gateways.apigee.mapping.marks import is_ours
from aforo.gateways.apigee.mapping.operations import CONFIGS, GROUPS, name_of
from aforo.gateways.apigee.mapping.trees import EACH, Path, Row, copied, places
from aforo.kit.jsontree import escape

NUMBERS: Final[dict[str, tuple[Path, ...]]] = {
    "product": (("quota",), ("quotaInterval",), ("llmQuota",), ("llmQuotaInterval",)),
    "operation": (
        ("quota", "limit"),
        ("quota", "interval"),
        ("llmTokenQuota", "limit"),
        ("llmTokenQuota", "interval"),
    ),
    "rateplan": (
        ("startTime",),
        ("endTime",),
        ("setupFee", "units"),
        ("fixedRecurringFee", "units"),
        ("consumptionPricingRates", EACH, "start"),
        ("consumptionPricingRates", EACH, "end"),
        ("consumptionPricingRates", EACH, "fee", "units"),
        ("revenueShareRates", EACH, "start"),
        ("revenueShareRates", EACH, "end"),
    ),
}
"""Where Apigee writes whole numbers as strings."""

VOLATILE: Final = ("createdAt", "lastModifiedAt")
_IMPLIED: Final = {"product": ("name",), "rateplan": ("name", "apiproduct")}
_SETS: Final[dict[str, tuple[Path, ...]]] = {
    "product": (("apiResources",), ("environments",), ("proxies",), ("scopes",)),
    "operation": (
        ("methods",),
        ("operations", EACH, "methods"),
        ("operations", EACH, "operationTypes"),
        ("llmOperations", EACH, "methods"),
    ),
}
_CHOICES: Final = (
    "quotaCounterScope",
    "billingPeriod",
    "consumptionPricingType",
    "paymentFundingModel",
    "revenueShareType",
    "state",
)
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,18})")
_SECRET: Final = re.compile(r"secret|passw|token|api[-_. ]?key|credential|private[-_. ]?key", re.IGNORECASE)


@dataclass(slots=True)
class Draft:
    """Fields on their way: the rules change them in turn. `group` is that of an operation."""

    kind: str
    fields: Row
    group: str = ""
    defaults: Row = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)


class Rule(NamedTuple):
    """One reason why two answers that read differently say the same."""

    name: str
    apply: Callable[[Draft], None]


def _drop_times(draft: Draft) -> None:
    for name in VOLATILE:
        draft.fields.pop(name, None)


def _drop_implied(draft: Draft) -> None:
    for name in _IMPLIED.get(draft.kind, ()):
        draft.fields.pop(name, None)


def _leave_operations_to_themselves(draft: Draft) -> None:
    if draft.kind == "product":
        for group in GROUPS:
            if isinstance(draft.fields.get(group), dict):
                draft.fields[group].pop(CONFIGS, None)


def _read_numbers(draft: Draft) -> None:
    for path in NUMBERS[draft.kind]:
        for holder, name in places(draft.fields, path):
            if isinstance(holder[name], str) and _NUMBER.fullmatch(holder[name]):
                holder[name] = int(holder[name])


def _drop_zeros(draft: Draft) -> None:
    """Rate plans hold real numbers, of which a server that leaves out what is zero cannot tell zero from nothing."""
    if draft.kind == "rateplan":
        draft.fields = _without(draft.fields, lambda value: type(value) in (int, float) and value == 0)


def _drop_unspecified(draft: Draft) -> None:
    for name in _CHOICES:
        if str(draft.fields.get(name)).endswith("_UNSPECIFIED"):
            del draft.fields[name]


def _name_attributes(draft: Draft) -> None:
    """A list of names and values is an object; of two with one name the last holds. A value may well be empty."""
    if isinstance(draft.fields.get("attributes"), list):
        told = [one for one in draft.fields["attributes"] if isinstance(one, dict)]
        draft.fields["attributes"] = {str(one.get("name", "")): str(one.get("value") or "") for one in told}


def _drop_empties(draft: Draft) -> None:
    attributes = draft.fields.get("attributes")
    draft.fields = _without(draft.fields, lambda value: value is None or value in ("", [], {}))
    if attributes:
        draft.fields["attributes"] = attributes


def _name_operations(draft: Draft) -> None:
    """What a configuration is about, by name; where two have one name the list stays a list."""
    group = GROUPS.get(draft.group)
    told = draft.fields.get(group.listed) if group and group.listed else None
    if group and isinstance(told, list):
        named = {name_of(one, group): one for one in told}
        if len(named) == len(told):
            draft.fields[group.listed] = named


def _sort_sets(draft: Draft) -> None:
    for path in _SETS.get(draft.kind, ()):
        for holder, name in places(draft.fields, path):
            if isinstance(holder[name], list):
                holder[name] = sorted({str(one) for one in holder[name]})


def _drop_our_marks(draft: Draft) -> None:
    attributes = draft.fields.get("attributes")
    if isinstance(attributes, dict):
        kept = {name: value for name, value in attributes.items() if not is_ours(name)}
        draft.fields = {**draft.fields, "attributes": kept}
        if not kept:
            del draft.fields["attributes"]


def _know_defaults(draft: Draft) -> None:
    """A group is one of proxies, and a quota counts hours, unless it says otherwise."""
    for group in GROUPS:
        if isinstance(draft.fields.get(group), dict):
            draft.defaults[group] = {"operationConfigType": "proxy"}
    for name in ("quota", "llmTokenQuota"):
        if isinstance(draft.fields.get(name), dict):
            draft.defaults[name] = {"timeUnit": "hour"}


def _point_out_secrets(draft: Draft) -> None:
    attributes = draft.fields.get("attributes")
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        if value and _SECRET.search(name):
            draft.secrets.add(f"/attributes/{escape(name)}")


RULES: Final = (
    Rule("times are volatile", _drop_times),
    Rule("names and parents are implied", _drop_implied),
    Rule("operations are children", _leave_operations_to_themselves),
    Rule("attributes are an object", _name_attributes),
    Rule("our own marks are nobody's wish", _drop_our_marks),
    Rule("strings of digits are numbers", _read_numbers),
    Rule("a zero in a rate plan is nothing", _drop_zeros),
    Rule("an unspecified choice is nothing", _drop_unspecified),
    Rule("what is empty is missing", _drop_empties),
    Rule("operations have names", _name_operations),
    Rule("a set has no order", _sort_sets),
    Rule("defaults are known", _know_defaults),
    Rule("secrets are pointed out", _point_out_secrets),
)


def entity_fields(kind: str, row: Row, group: str = "", rules: Sequence[Rule] = RULES) -> Draft:
    """One row of Apigee's in canonical form; the row itself is left as it was."""
    draft = Draft(kind, copied(row), group)
    for rule in rules:
        rule.apply(draft)
    return draft


def _without(tree: Any, is_nothing: Callable[[Any], bool]) -> Any:
    """The tree without members and elements that are nothing, or become so when theirs have gone."""
    if isinstance(tree, dict):
        inner = {name: _without(value, is_nothing) for name, value in tree.items()}
        return {name: value for name, value in inner.items() if not is_nothing(value)}
    if isinstance(tree, list):
        return [one for one in (_without(value, is_nothing) for value in tree) if not is_nothing(one)]
    return tree
