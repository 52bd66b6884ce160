"""Metrics, customers, plans, subscriptions, statements, costs and margins for people."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, number, pairs, plural, table

View = Mapping[str, Any]
Names = Mapping[str, str]

_STATE: Final = {"ACTIVE": "green", "PUBLISHED": "green", "PENDING": "yellow", "DRAFT": "yellow", "SUSPENDED": "red"}


def metrics(view: View) -> RenderableType:
    return table(
        ("METRIC", "UNIT", "AGGREGATION", "DESCRIPTION"),
        [(row["name"], row["unit"], row["aggregation"], row["description"] or NOTHING) for row in view["data"]],
    )


def customers(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No customers.")
    return table(
        ("NAME", "EXTERNAL ID", "E-MAIL", "TIER", "SINCE", "ID"),
        [
            (row["name"], row["externalId"] or NOTHING, row["email"] or NOTHING, row["tier"] or NOTHING,
             moment(row["createdAt"]), row["id"])
            for row in view["data"]
        ],
    )  # fmt: skip


def customer(view: View, held: Sequence[View]) -> Group:
    facts = pairs(
        [
            ("Customer", view["name"]),
            ("Id", view["id"]),
            ("External id", view["externalId"] or NOTHING),
            ("E-mail", view["email"] or NOTHING),
            ("Tier", view["tier"] or NOTHING),
            ("Since", moment(view["createdAt"])),
        ]
    )
    return lines([facts, Text(), subscriptions({"data": held}, {})])


def plans(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No plans yet.")
    return table(
        ("KEY", "NAME", "VERSION", "STATE", "PRODUCTS", "QUOTAS", "ID"),
        [
            (row["key"], row["name"], number(row["version"]), _state(row["state"]), number(len(row["productIds"])),
             ", ".join(_quota(one) for one in row["quotas"]) or NOTHING, row["id"])
            for row in view["data"]
        ],
        right=frozenset({"VERSION", "PRODUCTS"}),
    )  # fmt: skip


def plan(view: View, product_names: Names) -> Group:
    return lines(
        [
            pairs(
                [
                    ("Plan", f"{view['key']} ({view['name']})"),
                    ("Version", number(view["version"])),
                    ("State", _state(view["state"])),
                    ("Currency", view["currency"]),
                    ("Products", _all(product_names.get(one, one) for one in view["productIds"])),
                    ("Quotas", _all(_quota(one) for one in view["quotas"])),
                    ("Rate limits", _all(_rate_limit(one) for one in view["rateLimits"])),
                    ("Features", _all(f"{name}: {_yes(on)}" for name, on in view["features"].items())),
                    ("Spend cap", _cap(view)),
                    ("Without Aforo", _fail_mode(view["failMode"])),
                ]
            ),
            Text(),
            *_card(view),
        ]
    )


def statement(view: View) -> Group:
    rows = [
        (line["name"] or line["metric"] or NOTHING, line["model"], line["quantity"], line["exact"], line["amount"])
        for line in view["lines"]
    ]
    heads = ("LINE", "MODEL", "QUANTITY", "EXACT", "AMOUNT")
    total = pairs([("Total", Text(f"{view['total']} {view['currency']}", style="bold"))])
    return lines([table(heads, rows, right=frozenset({"QUANTITY", "EXACT", "AMOUNT"})), Text(), total])


def subscriptions(view: View, names: Names) -> RenderableType:
    if not view["data"]:
        return hanging("", "No subscriptions.")
    return table(
        ("CUSTOMER", "PLAN", "VERSION", "STATUS", "SINCE", "ID"),
        [
            (names.get(row["customerId"], row["customerId"]), names.get(row["planId"], row["planId"]),
             number(row["planVersion"]), _state(row["status"]), moment(row["startsAt"]), row["id"])
            for row in view["data"]
        ],
        right=frozenset({"VERSION"}),
    )  # fmt: skip


def subscription(view: View, names: Names) -> Group:
    facts = pairs(
        [
            ("Subscription", view["id"]),
            ("Customer", names.get(view["customerId"], view["customerId"])),
            ("Plan", f"{names.get(view['planId'], view['planId'])} version {view['planVersion']}"),
            ("Status", _state(view["status"])),
            ("Secrets", view["mode"]),
            ("Starts", moment(view["startsAt"])),
        ]
    )
    places = [
        (names.get(one["integrationId"], one["integrationId"]), _state(one["wanted"]), _state(one["observed"]),
         one["reason"] or NOTHING)
        for one in view["gateways"]
    ]  # fmt: skip
    if not places:
        return lines([facts])
    return lines([facts, Text(), table(("GATEWAY", "WANTED", "OBSERVED", "REASON"), places)])


def cost_rules(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No cost rules: margins are unknown, and nobody is refused for them.")
    return table(
        ("PRODUCT", "METRIC", "A UNIT COSTS", "FROM", "ID"),
        [
            (row["scope"]["productId"] or "every", row["scope"]["metric"] or "every",
             f"{row['unitCost']} {row['currency']}", moment(row["validFrom"]), row["id"])
            for row in view["data"]
        ],
        right=frozenset({"A UNIT COSTS"}),
    )  # fmt: skip


def earnings(view: View) -> RenderableType:
    """The whole, its lines, and what is not known of them."""
    code = view["currency"] or ""
    whole = [(name, _money(view[name], code)) for name in ("revenue", "cost", "margin")]
    head = hanging("", ", ".join(f"{name} {amount}" for name, amount in whole), f" from {moment(view['from'])}")
    if not view["data"]:
        return lines([head, hanging("", "Nothing was used, and no fee fell due.")])
    rows = [
        (one["name"], one["calls"], *(_money(one[name]) for name in ("revenue", "cost", "margin")),
         NOTHING if one["marginShare"] is None else f"{float(one['marginShare']):.1%}", one["level"] or NOTHING,
         f"{one['refusedCalls']:,}", f"{one['wouldRefuseCalls']:,}")
        for one in view["data"]
    ]  # fmt: skip
    heads = (view["by"].upper(), "CALLS", f"REVENUE {code}".strip(), "COST", "MARGIN", "SHARE")
    more = ("LEVEL", "REFUSED 7 D", "WOULD REFUSE")
    right = frozenset({*heads[1:], *more[1:]})
    unknown = dict.fromkeys(one["unknown"] for one in view["data"] if one["unknown"])
    return lines([head, table((*heads, *more), rows, right=right), *(hanging("", words) for words in unknown)])


def _money(amount: str | None, code: str = "") -> str:
    return NOTHING if amount is None else f"{Decimal(amount):,.2f} {code}".strip()


def guards(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No margin guards.")
    return table(
        ("WHOSE", "OF", "MODE", "WARN", "THROTTLE", "BLOCK", "ID"),
        [
            (row["scope"]["kind"].lower(), row["scope"]["ref"] or NOTHING, row["mode"],
             *(row["floors"].get(level) or NOTHING for level in ("L1", "L2", "L3")), row["id"])
            for row in view["data"]
        ],
        right=frozenset({"WARN", "THROTTLE", "BLOCK"}),
    )  # fmt: skip


def _card(view: View) -> list[RenderableType]:
    if not view["rateCard"]:
        return [hanging("", "Nothing is charged.")]
    rows = [(one.get("name") or one.get("metric") or NOTHING, one["model"], _price(one)) for one in view["rateCard"]]
    return [table(("PRICE OF", "MODEL", f"IN {view['currency']}"), rows)]


def _price(entry: View) -> str:
    tiers = [f"{'up to ' + tier['upTo'] if tier['upTo'] else 'beyond'}: {tier['unitPrice']}"
             for tier in entry.get("tiers") or ()]  # fmt: skip
    words = {
        "amount": "{} each period",
        "unitPrice": "{} a unit",
        "percent": "{} %",
        "minFee": "at least {}",
        "includedUnits": "{} included",
        "blockPrice": "{} a block",
        "blockUnits": "of {}",
    }
    return ", ".join([form.format(entry[name]) for name, form in words.items() if entry.get(name)] + tiers)


def _quota(one: View) -> str:
    return f"{one['units']} {one['metric']} a {one['period']} ({one['mode']}, {one['timeZone']})"


def _rate_limit(one: View) -> str:
    return f"{one['units']} {one['metric']} in {plural(one['perSeconds'], 'second')}"


def _cap(view: View) -> str:
    cap = view["spendCap"]
    return f"{cap['amount']} {view['currency']} a {cap['period']}" if cap else NOTHING


def _fail_mode(mode: View) -> str:
    words = {"closed": "refuse", "open": "let pass", "open_up_to": f"let pass up to {mode.get('units')}"}
    return words[mode["kind"]]


def _all(words: Iterable[str]) -> str:
    return ", ".join(words) or NOTHING


def _yes(on: bool) -> str:
    return "yes" if on else "no"


def _state(word: str) -> Text:
    return Text(word, style=_STATE.get(word, "dim"))
