"""That Aforo is attached is no drift, and a restore of somebody's edit leaves it attached."""

from tests.gateways.azure.azure_parts import azure

INCLUDE = '<include-fragment fragment-id="aforo-inbound" />'


async def test_an_attached_fragment_is_no_drift_and_outlives_a_restore() -> None:
    async with azure(2) as service:
        recorded = await service.product("Payments")
        place = "apis/payments/policies/policy"
        told = service.hand("GET", place, format="rawxml").body["properties"]["value"]
        service.put("policyFragments/aforo-inbound", {"value": "<fragment><trace source='a'>b</trace></fragment>"})
        for section in ("outbound", "on-error"):
            value = {"value": "<fragment><trace source='a'>b</trace></fragment>"}
            service.put(f"policyFragments/aforo-{section}", value)
        attached = told.replace("<base />", f"<base />{INCLUDE}", 1)
        service.put(place, {"format": "rawxml", "value": attached})
        assert await service.drift(recorded) == []
        edited = attached.replace('"X-Region", "eu"', '"X-Region", "us"')
        assert edited != attached
        service.put(place, {"format": "rawxml", "value": edited})
        assert await service.drift(recorded) != []
        await service.restore(recorded)
        assert await service.drift(recorded) == []
        after = service.hand("GET", place, format="rawxml").body["properties"]["value"]
        assert after.count("aforo-inbound") == 1
        assert '"X-Region", "eu"' in after
