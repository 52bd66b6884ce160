"""The policy of a plan's own product: what the customer's products do to a call, and the plan's limits. Pure.

Of one product it is its policy; the plan's `rate-limit` and `quota` take the place of the product's own. Of several,
each product's part is done for its APIs alone, and their own `rate-limit` and `quota`, of which a policy holds one, are
left out.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.azure.mapping.limits import QUOTA, RATE, Policies, elements
from aforo.gateways.azure.mapping.policies import DOCUMENT, SECTIONS, children, sections

_BASE: Final = "<base />"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the customer's products: its name, its APIs, and its policy if it has one."""

    name: str
    apis: Sequence[str]
    policy: str | None


def merged(parts: Sequence[Part], limits: Policies) -> str | None:
    """The whole document; None where there is nothing to say. Raises GatewayError for what cannot be merged."""
    ours = elements(limits)
    told = {one.name: _taken_apart(one) for one in parts if one.policy is not None}
    if not told and not ours:
        return None
    alone = len(parts) == 1
    written = []
    for name in SECTIONS:
        inner = _of_one(told, name, limits) if alone else _of_several(parts, told, name)
        if name == "inbound":
            at = inner.index(_BASE) + 1 if _BASE in inner else 0
            inner[at:at] = ours
        written.append("\n".join((f"<{name}>", *inner, f"</{name}>")))
    return "\n".join(("<policies>", *written, "</policies>"))


def dropped(parts: Sequence[Part], limits: Policies) -> tuple[str, ...]:
    """What of the products' own limits does not hold for the plan's subscribers, in words."""
    found = []
    for part in parts:
        told = _taken_apart(part).get("inbound", []) if part.policy is not None else []
        for text in told:
            element = _element(text)
            if element in (RATE, QUOTA) and (element in limits or len(parts) > 1):
                why = "the plan has its own" if element in limits else "a policy holds one for all its products"
                found.append(f"{part.name}: its {text} does not hold for subscribers of this plan: {why}")
    return tuple(found)


def _of_one(told: dict[str, dict[str, list[str]]], name: str, limits: Policies) -> list[str]:
    inner = next((dict(one) for one in told.values()), {}).get(name, [_BASE])
    return [text for text in inner if _element(text) not in limits]


def _of_several(parts: Iterable[Part], told: dict[str, dict[str, list[str]]], name: str) -> list[str]:
    inner = [_BASE]
    for part in parts:
        own = [text for text in told.get(part.name, {}).get(name, []) if _element(text) not in ("base", RATE, QUOTA)]
        if own and part.apis:
            if name == "backend":
                raise _unmergeable(part, "it forwards calls in its own way, and a policy can do so but once")
            inner += ["<choose>", f'<when condition="{_is_one_of(part.apis)}">', *own, "</when>", "</choose>"]
    return inner


def _is_one_of(apis: Sequence[str]) -> str:
    return f"@({' || '.join(f'context.Api.Id == {json.dumps(api)}' for api in sorted(apis))})"


def _taken_apart(part: Part) -> dict[str, list[str]]:
    found = sections(part.policy or "")
    if DOCUMENT in found:
        raise _unmergeable(part, "its policy cannot be taken apart")
    return {name: children(text) for name, text in found.items()}


def _element(text: str) -> str:
    """The name of the element that a text is; empty for a comment."""
    return "" if text.startswith("<!--") else text[1:].split(">", 1)[0].split("/", 1)[0].split(maxsplit=1)[0]


def _unmergeable(part: Part, why: str) -> GatewayError:
    return GatewayError(
        f"The product {part.name} cannot be sold together with others at Azure: {why}.",
        next_step="Sell it in a plan of its own, or simplify its policy.",
    )
