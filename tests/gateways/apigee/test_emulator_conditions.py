"""Conditions as Apigee's reference documents them."""

import pytest

from aforo.gateways.apigee.emulator.runtime.conditions import BadCondition, parse
from aforo.gateways.apigee.emulator.runtime.messages import Message, Variables

FACTS = {"count": 7, "text": "7", "name": "Orders", "path": "/v1/orders/7/lines", "flag": True, "dotted": "a.b*c"}


def flow() -> Variables:
    request = Message("POST", "/v1/orders", {"X-Kind": "Gold"}, {"page": "2"})
    return Variables(request, FACTS, {})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", True),
        ('request.verb = "POST"', True),
        ('request.verb Equals "GET"', False),
        ('request.verb != "GET"', True),
        ('name := "ORDERS"', True),
        ('name = "ORDERS"', False),
        ('request.header.x-kind = "Gold"', True),
        ('request.queryparam.page = "2"', True),
        ("request.queryparam.page = 2", True),
        ("missing = null", True),
        ("missing != null", False),
        ("name Is null", False),
        ("name IsNot null", True),
        ('missing = ""', False),
        ('missing != "x"', True),
        ('missing > "a"', False),
        ("count > 6", True),
        ("count >= 7 and count <= 7", True),
        ("count GreaterThan 10", False),
        ("text LesserThan 10", True),
        ("flag", True),
        ("flag = true", True),
        ("not flag", False),
        ("!(missing)", True),
        ('path Matches "/v1/*/lines"', True),
        ('path Like "/v1/orders"', False),
        ('dotted Matches "a.b%*c"', True),
        ('dotted Matches "axb*"', False),
        ('path ~~ "/v[0-9]+/orders/.*"', True),
        ('path ~~ "/orders/"', False),
        ('path JavaRegex ".*lines"', True),
        ('path MatchesPath "/v1/*/7/*"', True),
        ('path MatchesPath "/v1/*"', False),
        ('path MatchesPath "/v1/**"', True),
        ('path =| "/v1/"', True),
        ('name StartsWith "Pay"', False),
        ('count = 1 or name = "Orders" and count = 7', True),
        ('count = 7 or name = "Orders" and count = 1', True),
        ('(count = 7 or name = "Orders") and count = 1', False),
        ('not count = 7 || name = "Orders"', True),
        ('(request.verb = "POST") && !(name = "Payments")', True),
        ('name = "and or not null"', False),
    ],
)
def test_a_condition_holds_as_documented(condition: str, holds: bool) -> None:
    assert parse(condition)(flow()) is holds


@pytest.mark.parametrize("condition", ["name = ", '(name = "x"', 'name = "x" "y"', "name = 'x'", "and flag", "name =="])
def test_what_cannot_be_read_is_refused(condition: str) -> None:
    with pytest.raises(BadCondition):
        parse(condition)


def test_a_callers_header_makes_no_variable_and_facts_are_read_only() -> None:
    told = Variables(Message(headers={"apiproxy.name": "forged", "messageid": "forged"}), {"apiproxy.name": "real"}, {})
    told.set("apiproxy.name", "written")
    assert (told.get("apiproxy.name"), told.get("messageid")) == ("real", None)
