"""Azure's JSON as products: keys that last, versions, secrets pointed out, and bodies that lose nothing."""

from typing import Any

import pytest

from aforo.gateway_sdk.contract import SPEC_KIND, Action, Step
from aforo.gateway_sdk.errors import GatewayChanged
from aforo.gateways.azure.mapping.bodies import document, laid_over, settable, still_to_do
from aforo.gateways.azure.mapping.products import (
    ApiRead,
    ProductRead,
    api_entity,
    named_value_entity,
    policy_entity,
    product,
    product_entity,
    refs,
    version,
)
from aforo.kit.jsontree import ABSENT, Absent, Json


def row(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "properties": properties}


def read(*apis: dict[str, Any], tags: dict[str, str] | None = None) -> ProductRead:
    return ProductRead(
        row("gold", displayName="Gold"), [ApiRead(api, {"paths": {}}, None) for api in apis], None, tags or {}
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (read(row("a", apiVersion="v2"), row("b")), "v2"),
        (read(row("a", apiVersion="v2"), row("b", apiVersion="v3"), tags={"t": "version:2026-01"}), "2026-01"),
        (read(row("a"), tags={"t": "v3"}), "v3"),
        (read(row("a", path="pay/v4"), row("b", path="v4/other")), "v4"),
        (read(row("a", path="pay/v4"), row("b", path="pay")), None),
        (read(), None),
    ],
)
def test_the_version_is_the_apis_else_a_tags_else_the_paths(told: ProductRead, expected: str | None) -> None:
    assert version(told) == expected


def test_refs_are_display_names_and_those_that_share_one_add_their_own() -> None:
    rows = [row("a", displayName="Gold"), row("b", displayName="Gold"), row("c", displayName="Silver"), row("d")]
    assert refs(rows) == {"a": "Gold (a)", "b": "Gold (b)", "c": "Silver", "d": "d"}


def test_every_api_has_a_description_of_its_own_so_that_a_second_one_renames_nothing() -> None:
    one, two = product(read(row("a")), "Gold", {}), product(read(row("a"), row("b")), "Gold", {})
    assert {(entity.kind, entity.key) for entity in one.entities} < {
        (entity.kind, entity.key) for entity in two.entities
    }
    assert one.spec_digest != two.spec_digest
    assert [entity.key for entity in two.entities if entity.kind == SPEC_KIND] == ["a", "b"]


def test_a_revision_is_no_other_api() -> None:
    assert api_entity({"name": "pay;rev=3", "properties": {}}).key == "pay"


@pytest.mark.parametrize(
    ("properties", "masked", "secrets"),
    [
        ({"displayName": "a", "secret": True}, {"/value"}, set()),
        ({"displayName": "a", "secret": True, "keyVault": {"secretIdentifier": "https://v/a"}}, set(), set()),
        ({"displayName": "backend-api-key", "value": "abc"}, set(), {"/value"}),
        ({"displayName": "backend-url", "value": "https://a"}, set(), set()),
    ],
)
def test_a_named_values_secret_is_masked_or_pointed_out(
    properties: dict[str, Any], masked: set[str], secrets: set[str]
) -> None:
    entity = named_value_entity(row("n", **properties))
    assert (set(entity.masked), set(entity.secrets)) == (masked, secrets)
    if masked:
        assert "value" in entity.fields, "so that a restore can say that it cannot be set"
        assert "value" not in entity.wished()


def test_a_policy_with_a_secret_in_clear_points_at_its_section_alone() -> None:
    inbound = '<inbound><authentication-basic username="a" password="b"/></inbound>'
    raw = f"<policies>{inbound}<outbound><base/></outbound></policies>"
    assert policy_entity("product", "products/a", raw).secrets == {"/inbound"}


def test_defaults_are_nobodys_wish() -> None:
    told = product_entity(
        row("a", displayName="A", subscriptionRequired=True, approvalRequired=False, state="notPublished")
    )
    assert told.wished() == {"displayName": "A"}


def update(target: dict[str, Any], live: dict[str, Any], changed: dict[str, Any | Absent]) -> Step:
    sides = [api_entity(row("a", **fields)) for fields in (target, live)]
    return Step(Action.UPDATE, "api", "a", sides[0], sides[1], changed)


def test_changes_are_laid_over_what_stands_there_and_nothing_empty_is_left() -> None:
    step = update({"path": "a"}, {"path": "b"}, {"/path": "a", "/contact/name": ABSENT, "/license/url": "u"})
    fresh: dict[str, Json] = {"path": "b", "contact": {"name": "x"}, "serviceUrl": "kept"}
    assert laid_over(fresh, step) == {"path": "a", "license": {"url": "u"}, "serviceUrl": "kept"}


def test_what_stands_there_already_is_not_to_do_and_what_nobody_planned_is_refused() -> None:
    step = update({"path": "old"}, {"path": "new"}, {"/path": "old"})
    assert still_to_do(step, {"path": "new"})
    assert not still_to_do(step, {"path": "old"})
    with pytest.raises(GatewayChanged):
        still_to_do(step, {"path": "third"})


def test_a_whole_body_keeps_azures_members_and_clears_what_we_cleared() -> None:
    before = {"displayName": "A", "terms": "old"}
    properties = {**before, "unknown": 1, "provisioningState": "Succeeded"}
    assert settable(properties, {"displayName": "B"}, before) == {"displayName": "B", "unknown": 1}


def test_a_description_is_whole_again_when_it_is_sent() -> None:
    told = document({"components": {}}, {"displayName": "Pay", "apiVersion": "v2", "description": "Pays."})
    assert told["info"] == {"title": "Pay", "version": "v2", "description": "Pays."}
    assert (told["openapi"], told["paths"]) == ("3.0.1", {})
