"""Refs, versions, API descriptions, secrets, and what is sent: values in, values out."""

import io
import json
import zipfile
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Action, Entity, Step
from aforo.gateway_sdk.errors import GatewayError, GatewayNotAnApi
from aforo.gateways.mulesoft.mapping import bodies, spec
from aforo.gateways.mulesoft.mapping.products import Seen, flat, product, refs, version
from aforo.gateways.mulesoft.mapping.secrets import masked_in, secrets_in
from aforo.kit.jsontree import ABSENT, Absent, Json

OPENAPI = {"openapi": "3.0.3", "info": {"title": "Orders", "version": "2.1.0"}, "paths": {"/a": {"get": {}}}}


def row(native: int, label: str | None = None, asset: str = "orders-api", **more: Any) -> dict[str, Any]:
    return {"id": native, "assetId": asset, "groupId": "g", "assetVersion": "1.0.0", "instanceLabel": label, **more}


def seen(**parts: Any) -> Seen:
    told: dict[str, Any] = {"api": row(7), "tiers": (), "policies": (), "upstreams": (), "description": None}
    return Seen(**{**told, **parts})


def step(
    kind: str, recorded: dict[str, Any], live: dict[str, Any], changed: dict[str, Json | Absent], **more: Any
) -> Step:
    return Step(
        Action.UPDATE,
        kind,
        "k",
        Entity(kind, "k", "1", recorded, **more),
        Entity(kind, "k", "1", live, **more),
        changed,
    )


def zipped(**files: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        for name, text in files.items():
            written.writestr(name.replace("__", "."), text)
    return archive.getvalue()


labels = st.none() | st.sampled_from(["gold", "v1", " ", "orders"])
rows = st.lists(
    st.tuples(st.sampled_from(["orders-api", "pay"]), labels, st.sampled_from(["v1", "v2", None])), max_size=8
).map(
    lambda told: [
        row(100 + place, label, asset, productVersion=group) for place, (asset, label, group) in enumerate(told)
    ]
)


@given(rows)
@settings(max_examples=50)
def test_every_instance_has_a_ref_of_its_own_whatever_the_order_of_the_list(told: list[dict[str, Any]]) -> None:
    given_refs = refs(told)
    assert len(set(given_refs.values())) == len(told)
    assert given_refs == refs(told[::-1])


@given(rows)
@settings(max_examples=50)
def test_a_newer_instance_never_takes_the_ref_of_an_older_one(told: list[dict[str, Any]]) -> None:
    before = refs(told)
    after = refs([*told, row(999, None, "orders-api", productVersion="v1")])
    assert {native: after[native] for native in before} == before


@given(rows)
@settings(max_examples=50)
def test_a_ref_depends_on_instances_of_the_same_asset_alone(told: list[dict[str, Any]]) -> None:
    everything = refs(told)
    for asset in ("orders-api", "pay"):
        of_it = [one for one in told if one["assetId"] == asset]
        assert refs(of_it) == {str(one["id"]): everything[str(one["id"])] for one in of_it}


def test_a_ref_is_asset_and_label_then_the_product_version_then_the_id() -> None:
    told = [row(1), row(2, productVersion="v2"), row(3, productVersion="v2"), row(4, "gold")]
    assert list(refs(told).values()) == ["orders-api", "orders-api v2", "orders-api #3", "orders-api:gold"]


def test_a_list_grouped_by_asset_gives_each_instance_its_assets_coordinates() -> None:
    asset = {"groupId": "g", "assetId": "pay", "exchangeAssetName": "Pay", "apis": [{"id": 1, "assetId": None}]}
    assert flat([asset, {"assetId": "none"}]) == [{"groupId": "g", "assetId": "pay", "assetName": "Pay", "id": 1}]


@pytest.mark.parametrize(
    ("description", "api", "expected"),
    [
        (OPENAPI, row(1, productVersion="v9"), "2.1.0"),
        ({"openapi": "3.0.0"}, row(1, productVersion="v9"), "v9"),
        (None, row(1), "1.0.0"),
        (None, {"id": 1}, None),
    ],
)
def test_the_version_is_the_descriptions_then_the_products_then_the_assets(
    description: Any, api: dict[str, Any], expected: str | None
) -> None:
    assert version(seen(api=api, description=description)) == expected


def test_policies_of_one_asset_are_told_apart_by_their_content() -> None:
    limits: list[dict[str, Any]] = [
        {"id": n, "assetId": "rate-limiting", "order": n, "configurationData": {"limit": n}} for n in (1, 2)
    ]
    found = product(seen(policies=limits), "r")
    again = [{**one, "order": 3 - one["order"], "id": 9 - one["id"]} for one in limits]
    swapped = product(seen(policies=again), "r")
    keys = [entity.key for entity in found.entities if entity.kind == "policy"]
    assert keys == ["rate-limiting", "rate-limiting #2"]
    for key in keys:
        before, after = found.entity("policy", key), swapped.entity("policy", key)
        assert before is not None
        assert after is not None
        assert before.fields["configurationData"] == after.fields["configurationData"]


@pytest.mark.parametrize(
    ("content", "file"),
    [
        (json.dumps(OPENAPI).encode(), {}),
        (yaml.safe_dump(OPENAPI).encode(), {}),
        (zipped(exchange__json="{}", api__yaml=yaml.safe_dump(OPENAPI)), {"mainFile": "api.yaml"}),
        (zipped(exchange__json="{}", api__yaml=yaml.safe_dump(OPENAPI)), {}),
        (zipped(first__json="{}", second__json=json.dumps(OPENAPI)), {"mainFile": "second.json"}),
    ],
)
def test_openapi_is_read_in_every_packaging(content: bytes, file: dict[str, Any]) -> None:
    assert spec.parse(content, file) == OPENAPI


def test_codes_and_dates_in_yaml_are_texts() -> None:
    told = spec.parse(b"openapi: 3.0.0\ninfo: {version: 2026-11-22}\npaths: {/a: {get: {responses: {200: {}}}}}\n", {})
    assert told["info"] == {"version": "2026-11-22"}
    assert json.dumps(told).count('"200"') == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{broken",
        b"%RAML",
        b"PK\x03\x04 broken",
        zipped(readme__md="x"),
        b'{"swagger_ui": true}',
        b"openapi: 3.0.0\na: &a [x, x]\nb: &b [*a, *a]\n"
        + b"".join(b"c%d: &c%d [%s]\n" % (n, n, b", ".join([b"*c%d" % (n - 1) if n else b"*b"] * 9)) for n in range(9)),
    ],
)
def test_what_is_no_openapi_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(GatewayNotAnApi, match="description in Exchange cannot be read"):
        spec.parse(content, {})


def test_the_authors_own_file_is_preferred_and_raml_is_known_by_its_digest() -> None:
    raml = {"classifier": "raml", "md5": "m", "sha1": "s", "externalLink": "http://x"}
    made = {"classifier": "oas", "isGenerated": True, "externalLink": "http://x"}
    whole = {"classifier": "fat-oas", "externalLink": "http://x"}
    own = {"classifier": "oas", "externalLink": "http://x"}
    assert spec.openapi_file([made, whole, own, raml]) is own
    assert spec.openapi_file([made, whole, raml]) is whole
    assert spec.openapi_file([made, raml]) is made
    assert spec.openapi_file([raml, {"classifier": "oas"}]) is None
    assert spec.other_description([raml]) == {"format": "raml", "md5": "m", "sha1": "s"}
    assert spec.other_description([]) is None


def test_masked_values_and_secrets_are_pointed_out_and_expressions_are_not() -> None:
    fields: dict[str, Json] = {
        "configurationData": {
            "password": "******",
            "clientSecret": "s3cr3t",
            "secretExpression": "#[attributes.headers['secret']]",
            "apiKey": "#[vars.key]",
            "encrypted": "![bXk=]",
            "servers": [{"host": "a", "password": "x"}],
            "note": "** not masked **",
        }
    }
    assert masked_in(fields) == {"/configurationData/password", "/configurationData/encrypted"}
    assert secrets_in(fields) == {"/configurationData/clientSecret", "/configurationData/servers"}


def test_a_patch_says_nested_objects_whole_and_flat_members_only_where_they_differ() -> None:
    changed: dict[str, Json | Absent] = {"/endpoint/uri": "http://old", "/description": ABSENT, "/deprecated": ABSENT}
    now = {
        "endpoint": {"uri": "http://new", "proxyUri": "http://0.0.0.0", "isCloudHub": None, "id": 5},
        "description": "x",
    }
    told = bodies.patch(step("api", {}, {}, changed, defaults={"deprecated": False}), now)
    endpoint = {"uri": "http://old", "proxyUri": "http://0.0.0.0", "isCloudHub": None}
    assert told == {"endpoint": endpoint, "description": None, "deprecated": False}


def test_tags_switches_and_routes_are_no_part_of_a_patch() -> None:
    changed: dict[str, Json | Absent] = {"/tags": ["a"], "/disabled": True, "/routing": [], "/groupId": "g"}
    assert bodies.patch(step("api", {}, {}, changed), {}) == {}


def test_a_mask_is_never_sent_back() -> None:
    configuration: dict[str, Any] = {"user": "a", "password": "******"}
    masked = frozenset({"/configurationData/password"})
    change = step("policy", {}, {}, {"/configurationData/user": "b"}, masked=masked)
    with pytest.raises(GatewayError, match="masks"):
        bodies.patch(change, {"configurationData": configuration})
    only_order = step("policy", {}, {}, {"/order": 1, "/configurationData/password": "x"}, masked=masked)
    assert bodies.patch(only_order, {"configurationData": configuration}) == {"order": 1}
    target = Entity("policy", "k", "1", {"configurationData": configuration, "assetId": "basic"}, masked=masked)
    assert bodies.new_policy(target)["configurationData"] == {"user": "a"}


def test_a_tier_is_said_whole() -> None:
    fresh = {"id": 1, "name": "Gold", "status": "ACTIVE", "autoApprove": True, "limits": [1], "applicationCount": 5}
    told = bodies.tier_body(fresh, {"/status": "DEPRECATED", "/limits": [2]})
    assert told == {"name": "Gold", "status": "DEPRECATED", "autoApprove": True, "limits": [2]}
    assert bodies.tier_body({**fresh, "description": "old"}, {"/description": ABSENT}).get("description") is None


def test_routes_name_ids_again_and_one_that_leads_nowhere_is_refused() -> None:
    told: Json = [{"label": "all", "upstreams": [{"upstream": "blue", "weight": 9}]}]
    assert bodies.routes(told, {"blue": "u1"}) == [{"label": "all", "upstreams": [{"id": "u1", "weight": 9}]}]
    with pytest.raises(GatewayError, match="blue"):
        bodies.routes(told, {})
