"""The canonical form, rule by rule: two reads of one unchanged product are equal, and no rule is without need."""

from typing import Any

import pytest

from aforo.gateways.azure.mapping.rules import API, DOCUMENT, NAMED_VALUE, POLICY, PRODUCT, RULES, canonical_form
from aforo.kit.jsontree import same

Read = tuple[str, dict[str, Any], dict[str, Any]]
BASE = "/subscriptions/%s/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apis"


def document(**parts: Any) -> dict[str, Any]:
    return {"paths": {}, **parts}


def operation(**parts: Any) -> dict[str, Any]:
    return document(paths={"/pay": {"get": {"responses": {}, **parts}}})


# Two reads of one product: before and after it was saved again, moved to another service, or touched by Azure itself.
TWO_READS: dict[str, Read] = {
    "exporters-own": (
        DOCUMENT,
        document(openapi="3.0.1", servers=[{"url": "https://a.azure-api.net"}], info={"title": "a", "version": "1.0"}),
        document(openapi="3.0.4", servers=[{"url": "https://b.azure-api.net"}], info={"title": "b", "version": ""}),
    ),
    "own-security": (
        DOCUMENT,
        document(
            components={"securitySchemes": {"apiKeyHeader": {"name": "a"}, "jwt": {}}},
            security=[{"apiKeyHeader": []}, {"jwt": []}],
        ),
        document(components={"securitySchemes": {"apiKeyHeader": {"name": "b"}, "jwt": {}}}, security=[{"jwt": []}]),
    ),
    "empty-parts": (DOCUMENT, document(components={"schemas": {}}, tags=[]), document()),
    "empty-texts": (DOCUMENT, operation(description="", summary=""), operation()),
    "document-order": (
        DOCUMENT,
        operation(parameters=[{"name": "a"}, {"name": "b"}], tags=["x", "y"]),
        operation(parameters=[{"name": "b"}, {"name": "a"}], tags=["y", "x"]),
    ),
    "settable-api": (
        API,
        {"apiRevision": "1", "isCurrent": True},
        {"apiRevision": "2", "provisioningState": "Succeeded"},
    ),
    "settable-product": (PRODUCT, {"displayName": "Gold"}, {"displayName": "Gold", "groups": [{"name": "guests"}]}),
    "settable-named-value": (NAMED_VALUE, {"provisioningState": "InProgress"}, {"provisioningState": "Succeeded"}),
    "protocol-order": (API, {"protocols": ["https", "http"]}, {"protocols": ["http", "https"]}),
    "named-value-tag-order": (NAMED_VALUE, {"tags": ["b", "a"]}, {"tags": ["a", "b"]}),
    "short-ids": (
        API,
        {"apiVersionSetId": f"{BASE % '1'}/apiVersionSets/pay"},
        {"apiVersionSetId": f"{BASE % '2'}/apiVersionSets/pay"},
    ),
    "vault-state": (
        NAMED_VALUE,
        {"keyVault": {"secretIdentifier": "https://v/secrets/a", "lastStatus": {"code": "Success"}}},
        {"keyVault": {"secretIdentifier": "https://v/secrets/a", "lastStatus": {"code": "Failed"}}},
    ),
    "nothing-set": (
        API,
        {"description": "", "authenticationSettings": {"oAuth2": None, "openidAuthenticationSettings": []}},
        {"description": None},
    ),
    "policy-by-section": (
        POLICY,
        {
            "format": "rawxml",
            "value": '<policies>\r\n\t<inbound>\r\n\t\t<base />\r\n\t\t<a y="2" x="1" /></inbound></policies>',
        },
        {"format": "rawxml", "value": '<policies><inbound><base></base><a x="1" y="2"/></inbound></policies>'},
    ),
}


def test_every_rule_has_its_two_reads() -> None:
    assert sorted(TWO_READS) == sorted(rule.name for rule in RULES)
    assert all(rule.why for rule in RULES)


@pytest.mark.parametrize("name", sorted(TWO_READS))
def test_two_reads_of_one_product_are_equal(name: str) -> None:
    kind, once, again = TWO_READS[name]
    assert same(canonical_form(kind, once), canonical_form(kind, again))


@pytest.mark.parametrize("name", sorted(TWO_READS))
def test_without_this_rule_they_would_differ(name: str) -> None:
    kind, once, again = TWO_READS[name]
    left = [rule for rule in RULES if rule.name != name]
    assert not same(canonical_form(kind, once, left), canonical_form(kind, again, left))


def test_what_a_person_could_have_set_is_kept() -> None:
    told = operation(description="Pay.", parameters=[{"name": "a", "description": "which"}], security=[])
    kept = canonical_form(DOCUMENT, {**told, "security": [{"jwt": []}], "components": {"schemas": {"Pay": {}}}})
    assert kept["paths"] == told["paths"]
    assert kept["security"] == [{"jwt": []}]
    assert kept["components"] == {"schemas": {"Pay": {}}}


def test_a_schemas_property_that_is_called_description_or_required_stays() -> None:
    schema = {"properties": {"description": {"type": "string"}, "required": {"type": "boolean"}}}
    assert (
        canonical_form(DOCUMENT, document(components={"schemas": {"A": schema}}))["components"]["schemas"]["A"]
        == schema
    )
