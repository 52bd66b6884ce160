"""Whatever is edited comes back, and what only looks edited is no drift."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateways.azure.emulator.seeding import document
from tests.gateways.azure.azure_parts import azure, call

pytestmark = pytest.mark.conformance
POLICY = "<policies><inbound><base />%s</inbound></policies>"


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
product_changes = st.fixed_dictionaries(
    {},
    optional={
        "description": texts,
        "terms": st.one_of(st.none(), texts),
        "state": st.sampled_from(["published", "notPublished"]),
        "subscriptionsLimit": st.one_of(st.none(), st.integers(1, 99)),
        "approvalRequired": st.booleans(),
    },
)
api_changes = st.fixed_dictionaries(
    {},
    optional={
        "description": texts,
        "protocols": st.sampled_from([["http"], ["https", "http"], ["https"]]),
        "subscriptionRequired": st.booleans(),
        "contact": st.one_of(st.none(), st.builds(lambda name: {"name": name}, texts)),
        "serviceUrl": texts.map(lambda word: f"https://{word.encode().hex()}.example"),
    },
)
bodies = st.builds(
    lambda extra, words: "".join(extra) + f'<trace source="s">{words}</trace>',
    st.lists(
        st.sampled_from(
            ['<rate-limit calls="5" renewal-period="60" />', '<set-variable name="v" value="@("<" + "a")" />']
        ),
        max_size=2,
    ),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8),
)


@settings(max_examples=25, deadline=None)
@given(
    product_changes,
    api_changes,
    st.one_of(st.none(), bodies),
    st.lists(st.sampled_from(["getOrders", "createOrders"]), unique=True),
)
async def test_whatever_is_edited_a_restore_brings_it_all_back(
    product: dict[str, Any], api: dict[str, Any], body: str | None, operations: list[str]
) -> None:
    async with azure(2) as service:
        recorded = await service.product("Orders")
        other = await service.product("Payments")
        service.hand("PATCH", "products/orders", product)
        service.hand("PATCH", "apis/orders", api)
        if body:
            service.put("products/orders/policies/policy", {"format": "rawxml", "value": POLICY % body})
        for operation in operations:
            service.hand("DELETE", f"apis/orders/operations/{operation}")
        await service.restore(recorded)
        assert await service.live(recorded) == recorded
        assert await service.live(other) == other


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
async def test_saving_everything_again_in_other_words_is_no_drift(random: Any) -> None:
    async with azure(2) as service:
        recorded = await service.product("Payments")
        for path in ("products/payments", "apis/payments"):
            service.hand("PATCH", path, call(service.app, "GET", path).body["properties"])
        raw = call(service.app, "GET", "apis/payments/policies/policy", format="rawxml").body["properties"]["value"]
        noisy = "".join(part + random.choice(["\n", "\r\n\t \t", ""]) for part in raw.split("\r\n"))
        assert noisy != raw
        service.put("apis/payments/policies/policy", {"format": "rawxml", "value": noisy})
        told = document("payments")
        paths = list(told["paths"].items())
        random.shuffle(paths)
        settings_ = call(service.app, "GET", "apis/payments").body["properties"]
        again = {**told, "paths": dict(paths), "info": {"title": "Other", "version": "9"}}
        service.put("apis/payments", {**settings_, "format": "openapi+json", "value": json.dumps(again)})
        assert await service.drift(recorded) == []
