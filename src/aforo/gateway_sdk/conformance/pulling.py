"""Behaviours of a gateway whose own usage figures Aforo reads; shown where the manifest has `usage`."""

from datetime import timedelta

from aforo.gateway_sdk.conformance.bench import Behaviour, Bench, Broken, expect
from aforo.gateway_sdk.conformance.selling import a_seat
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.usage import DailyCalls

_DAYS = 2
_CALLS = 3


async def _counts_calls_by_product(bench: Bench) -> None:
    call = bench.call
    if call is None:
        raise Broken("this bench cannot make a call")
    async with a_seat(bench) as place:
        (product,), (key,) = place.seat.scope, place.first.keys
        began = bench.connection({}).clock.now().date()
        before = _of(await _pulled(bench, until=1), product.native_id)
        for _ in range(_CALLS):
            await call(product, key.secret or "")
        days = (bench.connection({}).clock.now().date() - began).days + 1
        after = _of(await _pulled(bench, until=days), product.native_id)
        expect(after - before == _CALLS, f"{_CALLS} calls of {product.ref} are {after - before} in its figures")


async def _tells_days_that_are_over_twice_alike(bench: Bench) -> None:
    first, second = await _pulled(bench), await _pulled(bench)
    keys = [(one.day, one.counter, one.credential) for one in first]
    expect(len(set(keys)) == len(keys), "one reading has two figures of one day, counter and credential")
    expect(all(one.calls > 0 for one in first), "a figure is of no calls, or of fewer")
    gone = [one for one in first if not any(_same(one, other) for other in second)]
    expect(not gone, f"figures are no longer told, or lower, when read again at once: {gone[:3]}")


async def _does_not_take_a_refusal_for_no_calls(bench: Bench) -> None:
    connection = bench.connection({})
    way = bench.entry.manifest.sign_in(connection.sign_in)
    secrets = [field.name for field in (way.fields if way else ()) if field.secret]
    given = [name for name in secrets if connection.settings.get(name)]
    expect(bool(given), f"the sign-in {connection.sign_in} has no secret that could be wrong")
    for name in given:
        try:
            found = await _pulled(bench, {name: "wrong-secret-of-conformance"})
        except GatewayError:
            continue
        raise Broken(f"with a wrong {name}, {len(found)} figures are told instead of an error")


async def _pulled(bench: Bench, spoil: dict[str, str] | None = None, *, until: int = 0) -> list[DailyCalls]:
    """Figures of the last days that are over, and of the day that is not; each must be of a day asked for."""
    connection = bench.connection(spoil or {})
    last = connection.clock.now().date() - timedelta(days=0 if until else 1)
    first = last - timedelta(days=until or _DAYS - 1)
    opened = bench.entry.usage(connection)
    try:
        found = [one async for one in opened.pull(first, last)]
    finally:
        await opened.aclose()
    expect(all(first <= one.day <= last for one in found), "a figure is of a day that was not asked for")
    return found


def _of(found: list[DailyCalls], product: str) -> int:
    return sum(one.calls for one in found if product in one.products)


def _same(one: DailyCalls, later: DailyCalls) -> bool:
    """A vendor may have counted more meanwhile."""
    keys = [(each.day, each.counter, each.products, each.credential) for each in (one, later)]
    return keys[0] == keys[1] and later.calls >= one.calls


PULLING = (
    Behaviour(None, "a call with a key is in its product's figures", _counts_calls_by_product, calls=True),
    Behaviour(None, "days that are over are told twice alike", _tells_days_that_are_over_twice_alike),
    Behaviour(None, "a refusal does not look like no calls", _does_not_take_a_refusal_for_no_calls),
)
