"""What the pages say of an integration, in sentences. Pure."""

from collections.abc import Sequence

from aforo.gateway_sdk.manifest import Manifest
from aforo.integrations.model import BreakerState, Health, Integration

_LONGEST_PLACE = 120
_ORDER = (Health.ERROR, Health.DEGRADED, Health.UNKNOWN, Health.HEALTHY)


def badge(health: Health) -> str:
    """The word on the badge; what was never called has no health yet."""
    return "UNCHECKED" if health is Health.UNKNOWN else health.value


def worst_first(one: Integration, drifting: int) -> tuple[bool, int, bool, str]:
    """The list's order: held calls, then health, then drift, then name."""
    vitals = one.vitals
    held = vitals.breaker.state is BreakerState.OPEN
    return not held, _ORDER.index(vitals.health), drifting == 0, one.name


def all_of_them(health: Sequence[Health]) -> str:
    """`2 of 3 gateways are healthy.`"""
    well = sum(1 for one in health if one is Health.HEALTHY)
    if len(health) == 1:
        return {
            Health.HEALTHY: "The only gateway is healthy.",
            Health.UNKNOWN: "The only gateway has not been called yet.",
        }.get(health[0], "The only gateway is not healthy.")
    return f"All {len(health)} gateways are healthy." if well == len(health) else _some(well, len(health))


def how_it_is(one: Integration) -> str:
    """The health sentence of one integration."""
    vitals = one.vitals
    if vitals.breaker.state is BreakerState.OPEN:
        return f"Calls are held back after {_times(vitals.breaker.failures)} in a row."
    if vitals.health is Health.UNKNOWN:
        return "Not called yet: its first test has not run."
    if vitals.health is Health.HEALTHY:
        return "It answers, and calls pass."
    return f"{_times(vitals.failures).capitalize()} in a row."


def products(total: int, drifting: int) -> str:
    """`12 products, 1 differs from its record.`"""
    if not total:
        return "No product is imported yet."
    counted = f"{total:,} product{'s' if total != 1 else ''}"
    if not drifting:
        return f"{counted}, {'all' if total > 1 else 'it'} as recorded when last compared."
    told = "1 differs from its record" if drifting == 1 else f"{drifting:,} differ from their records"
    return f"{counted}, {told}."


def way_there(one: Integration, manifest: Manifest) -> str:
    """`Kong Gateway, token in a header, https://kong.example:8444`."""
    way = manifest.sign_in(one.sign_in)
    first = next((one.settings[field.name] for field in way.fields if one.settings.get(field.name)), "") if way else ""
    place = first if len(first) < _LONGEST_PLACE else ""
    return ", ".join(part for part in (manifest.name, way.label if way else one.sign_in, place) if part)


def _some(well: int, total: int) -> str:
    return f"{well} of {total} gateways {'is' if well == 1 else 'are'} healthy."


def _times(failures: int) -> str:
    return "one failure" if failures == 1 else f"{failures} failures"
