"""The policy project for Mule 4 is checked, not run: only MuleSoft's own tools build it and run it.

What can be seen without them: it is well formed, its parts agree with one another, and it says what the edge takes.
"""

import json
import re
from importlib import resources
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft7Validator
from lxml import etree

PROJECT: Final = resources.files("aforo.gateways.mulesoft") / "templates" / "aforo-policy"
TEMPLATE: Final = "src/main/mule/template.xml"
GIVEN_BY_MULE: Final = {"policyId"}
NAMES: Final = {
    "core": "http://www.mulesoft.org/schema/mule/core",
    "http-policy": "http://www.mulesoft.org/schema/mule/http-policy",
}
VALID: Final = {
    "edgeUrl": "https://ingest.example.com", "apiKey": "sk", "integrationId": "int_1", "product": "prod_1",
    "metric": "api_calls",
}  # fmt: skip


def text(name: str) -> str:
    return (PROJECT / name).read_text()


def used(template: str) -> set[str]:
    return set(re.findall(r"\{\{\{(\w+)\}\}\}", template))


def properties() -> dict[str, dict[str, Any]]:
    return {one["propertyName"]: one for one in yaml.safe_load(text("aforo-policy.yaml"))["configuration"]}


def test_template_and_pom_are_well_formed() -> None:
    template, pom = (etree.fromstring(text(name).encode()) for name in (TEMPLATE, "pom.xml"))
    assert template.tag == f"{{{NAMES['core']}}}mule"
    assert pom.findtext("{*}packaging") == "mule-policy"
    told = {etree.QName(one).localname for one in pom.iterfind("{*}properties/*")}
    assert set(re.findall(r"\$\{([\w.]+)\}", text("pom.xml"))) == told


def test_every_property_that_is_used_is_defined_and_every_defined_one_is_used() -> None:
    assert used(text(TEMPLATE)) - GIVEN_BY_MULE == set(properties())
    assert set(json.loads(text("aforo-policy.json"))["properties"]) == set(properties())


def test_the_schema_is_valid_and_agrees_with_the_definition() -> None:
    schema = json.loads(text("aforo-policy.json"))
    Draft7Validator.check_schema(schema)
    for name, one in properties().items():
        assert schema["properties"][name]["type"] == one["type"]
        assert schema["properties"][name].get("default") == one.get("defaultValue")
        assert (name in schema["required"]) != one["optional"]
        assert ("@context" in schema["properties"][name]) == one["sensitive"]


@pytest.mark.parametrize("changed", [{}, {"enforce": True}])
def test_a_whole_configuration_is_taken(changed: dict[str, Any]) -> None:
    assert Draft7Validator(json.loads(text("aforo-policy.json"))).is_valid({**VALID, **changed})


@pytest.mark.parametrize("changed", [{"edgeUrl": "ingest"}, {"enforce": "yes"}, {"more": 1}, {"apiKey": ""}])
def test_a_wrong_configuration_is_refused(changed: dict[str, Any]) -> None:
    assert not Draft7Validator(json.loads(text("aforo-policy.json"))).is_valid({**VALID, **changed})


def test_the_backend_is_reached_in_one_place_alone_and_refusals_do_not_lead_there() -> None:
    template = etree.fromstring(text(TEMPLATE).encode())
    (goes_on,) = template.iterfind(".//http-policy:execute-next", NAMES)
    assert etree.QName(goes_on.getparent()).localname == "otherwise"
    whens = template.findall(".//core:choice/core:when", NAMES)
    assert len(whens) == 2
    assert all("{{{enforce}}}" in (one.get("expression") or "") for one in whens)


def test_identity_comes_from_the_policy_before_and_never_from_a_header() -> None:
    template = text(TEMPLATE)
    assert "authentication.principal" in template
    assert "attributes.headers" not in template
    assert properties()["apiKey"]["sensitive"]
    assert yaml.safe_load(text("aforo-policy.yaml"))["requiredCharacteristics"] == ["Client ID"]
