"""What a subscription's key opens when a consumer calls, and that a refused call never reaches the backend."""

from dataclasses import replace
from decimal import Decimal

from aforo.gateway_sdk.pricing import Limit
from aforo.gateway_sdk.provision import Standing
from tests.gateways.aws.provision_parts import SECRET, Account, seat, wanted

DAY = Limit("api_calls", Decimal(2), "day", 86_400)


async def test_a_key_opens_its_stages_alone_while_its_seat_is_active_and_each_key_has_the_quota() -> None:
    account = Account()
    there = account.provisioner()
    geo, other = await account.products("GeocodingAPI", "TranslationAPI/prod")
    path = "/addresses"
    assert await account.call(geo.native_id, path, SECRET) == 403
    wish = seat(wanted("a", secret=SECRET), wanted("b"), scope=(geo,), limits=(DAY,))
    second = (await there.converge(wish)).keys[1].secret or ""
    assert await account.call(geo.native_id, path) == 403
    assert await account.call(other.native_id, "/translations", SECRET) == 403
    assert await account.call(geo.native_id, path, SECRET) == 200
    await there.converge(replace(wish, standing=Standing.SUSPENDED))
    assert await account.call(geo.native_id, path, SECRET) == 403
    await there.converge(wish)
    assert [await account.call(geo.native_id, path, SECRET) for _ in range(2)] == [200, 429]
    assert [await account.call(geo.native_id, path, second) for _ in range(3)] == [200, 200, 429]
    assert account.app.request_path.backend_calls == {geo.native_id: 4}
    await there.converge(replace(wish, standing=Standing.GONE, keys=()))
    assert await account.call(geo.native_id, path, second) == 403


async def test_a_path_or_stage_that_is_not_deployed_is_refused_as_aws_does() -> None:
    account = Account()
    (geo,) = await account.products("GeocodingAPI")
    assert await account.call(geo.native_id, "/nothing") == 403
    assert await account.call("unknown/prod", "/addresses") == 403
    assert await account.call(geo.native_id, "/addresses/7") == 403
    assert account.app.request_path.backend_calls == {}
