"""The canonical form, rule by rule: two reads of one unchanged instance are equal, and no rule is without need."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateways.mulesoft.mapping.rules import API, POLICY, RULES, SETTABLE, TIER, UPSTREAM, canonical_form
from aforo.kit.jsontree import same

Read = tuple[str, dict[str, Any], dict[str, Any]]
NAMES = {"u1": "blue", "u2": "blue"}

LIMITS = [
    {"maximumRequests": 5, "timePeriodInMilliseconds": 1000},
    {"maximumRequests": 9, "timePeriodInMilliseconds": 60},
]
POINTCUTS = [{"methodRegex": "GET", "uriTemplateRegex": "/a"}, {"methodRegex": "POST", "uriTemplateRegex": "/b"}]
COORDINATES = {"groupId": "g", "assetId": "cors", "assetVersion": "1.0.0"}


def api(**endpoint: Any) -> dict[str, Any]:
    return {"assetId": "orders-api", "endpoint": {"uri": "http://orders.internal", **endpoint}}


def routed(upstream: str) -> dict[str, Any]:
    target = {"id": upstream, "weight": 100, "label": upstream, "uri": f"http://{upstream}.internal"}
    return {"assetId": "orders-api", "routing": [{"label": "all", "upstreams": [target]}]}


def inbound(**beside: Any) -> dict[str, Any]:
    return {"secretGroupId": "s1", "tlsContextId": "t1", **beside}


# Two reads of one instance: before and after somebody looked at it, it was deployed, or it was created again.
TWO_READS: dict[str, Read] = {
    "one-policy-shape": (
        POLICY,
        {**COORDINATES, "configurationData": {"origins": ["*"]}, "order": 1},
        {"template": COORDINATES, "configuration": {"origins": ["*"]}, "order": 1, "policyId": 5, "version": 2},
    ),
    "template-of-asset": (POLICY, {**COORDINATES, "policyTemplateId": "12"}, {**COORDINATES, "policyTemplateId": "77"}),
    "settable-api": (
        API,
        {"assetId": "orders-api", "id": 1, "status": "active", "lastActiveDate": "2026-11-01", "order": 3},
        {"assetId": "orders-api", "id": 2, "status": "unregistered", "autodiscoveryInstanceName": "v1:2", "order": 4},
    ),
    "settable-tier": (TIER, {"name": "Gold", "applicationCount": 3}, {"name": "Gold", "applicationCount": 4, "id": 9}),
    "settable-policy": (
        POLICY,
        {**COORDINATES, "id": 1},
        {**COORDINATES, "id": 2, "implementationAsset": {"version": "1"}},
    ),
    "settable-upstream": (UPSTREAM, {"uri": "http://a", "id": "u1"}, {"uri": "http://a", "id": "u2", "audit": {}}),
    "settable-endpoint": (
        API,
        api(id=1, apiGatewayVersion="4.8.0"),
        api(id=2, policiesVersion="7", audit={"created": {}}),
    ),
    "tls-by-id": (
        API,
        api(tlsContexts={"inbound": inbound(name="old", authorized=True), "audit": {}}),
        api(tlsContexts={"inbound": inbound(name="renamed"), "outbound": None}),
    ),
    "timeout-as-number": (API, api(responseTimeout="30000"), api(responseTimeout=30000)),
    "routes-by-upstream": (API, routed("u1"), routed("u2")),
    "our-tag": (API, {"tags": ["a"]}, {"tags": ["a", "aforo-monetized"]}),
    "tag-order": (API, {"tags": ["a", "b"]}, {"tags": ["b", "a"]}),
    "limit-order": (TIER, {"limits": LIMITS}, {"limits": LIMITS[::-1]}),
    "pointcut-order": (POLICY, {"pointcutData": POINTCUTS}, {"pointcutData": POINTCUTS[::-1]}),
    "defaults-of-api": (API, {**api(validation="NOT_APPLICABLE"), "deprecated": False}, api()),
    "defaults-of-tier": (TIER, {"name": "Gold", "autoApprove": False}, {"name": "Gold"}),
    "defaults-of-policy": (POLICY, {**COORDINATES, "disabled": False}, COORDINATES),
    "nothing-set": (API, {**api(isCloudHub=None), "description": "", "tags": []}, {**api(), "providerId": None}),
}


def test_every_rule_has_two_reads_that_it_is_needed_for() -> None:
    assert sorted(TWO_READS) == sorted(rule.name for rule in RULES)


@pytest.mark.parametrize("name", sorted(TWO_READS))
def test_two_reads_of_one_instance_are_the_same(name: str) -> None:
    kind, before, after = TWO_READS[name]
    assert same(canonical_form(kind, before, NAMES), canonical_form(kind, after, NAMES))


@pytest.mark.parametrize("name", sorted(TWO_READS))
def test_without_the_rule_they_differ(name: str) -> None:
    kind, before, after = TWO_READS[name]
    others = [rule for rule in RULES if rule.name != name]
    assert not same(canonical_form(kind, before, NAMES, others), canonical_form(kind, after, NAMES, others))


def test_a_tls_context_of_an_upstream_is_its_ids_as_well() -> None:
    told = canonical_form(UPSTREAM, {"uri": "http://a", "tlsContext": inbound(name="old", authorized=True)}, {})
    assert told == {"uri": "http://a", "tlsContext": inbound()}


@given(st.sampled_from([API, TIER, POLICY, UPSTREAM]), st.data())
@settings(max_examples=50)
def test_whatever_a_person_sets_is_a_difference_and_nothing_else_is(kind: str, data: st.DataObject) -> None:
    flat = [name for name in SETTABLE[kind] if name not in ("endpoint", "routing", "tlsContext", "limits", "tags")]
    member = data.draw(st.sampled_from([name for name in flat if name not in ("pointcutData", "policyTemplateId")]))
    before = {"assetId": "cors", member: "old"}
    told = canonical_form(kind, before, {})
    assert not same(told, canonical_form(kind, {**before, member: "new"}, {}))
    stranger = data.draw(st.text("abcdefgh", min_size=9, max_size=12))
    assert same(told, canonical_form(kind, {**before, stranger: "new"}, {}))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    )
)
@settings(max_examples=50)
def test_a_policys_own_configuration_is_left_as_it_was_told(value: Any) -> None:
    told = canonical_form(POLICY, {**COORDINATES, "configurationData": {"rule": value}}, {})
    assert told["configurationData"] == {"rule": value}
