"""The emulator's engine: every twin of the closed list, what is refused loudly, and a policy that is none of ours."""

import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateways.azure.artifact.names import fragments, switches
from aforo.gateways.azure.emulator import policy_text
from aforo.gateways.azure.emulator.engine import NotEmulated
from aforo.gateways.azure.emulator.engine.evaluating import evaluate, unknown
from aforo.gateways.azure.emulator.engine.members import (
    CONSTRUCTORS,
    CONTEXT,
    METHODS,
    PROPERTIES,
    STATICS,
    CsharpFault,
    Headers,
    Thing,
    Variables,
)
from aforo.gateways.azure.emulator.engine.policies import POLICIES
from aforo.gateways.azure.emulator.policy_text import Node
from tests.gateways.azure.artifact_parts import Enforced, enforced

NOW: Final = datetime(2026, 11, 22, 14, 5, 12, 345678, UTC)

TWINS: Final[dict[str, tuple[str, Any]]] = {
    "string.Length": ('"abc".Length', 3),
    "DateTime.Ticks": ('DateTime.Parse("0001-01-01T00:00:01Z").Ticks', 10_000_000),
    "TimeSpan.TotalSeconds": ('DateTime.UtcNow.Subtract(DateTime.Parse("2026-11-22T14:05Z")).TotalSeconds', 12.345678),
    "TimeSpan.TotalMilliseconds": ('DateTime.UtcNow.Subtract(DateTime.UtcNow).TotalMilliseconds', 0.0),
    "JArray.Count": ("new JArray(1, 2).Count", 2),
    "string.Contains()": ('"abc".Contains("b")', True),
    "string.StartsWith()": ('"abc".StartsWith("b")', False),
    "string.EndsWith()": ('"abc".EndsWith("bc")', True),
    "string.Replace()": ('"abc".Replace("b", "-")', "a-c"),
    "string.ToLower()": ('"ABC".ToLower()', "abc"),
    "string.ToUpper()": ('"abc".ToUpper()', "ABC"),
    "string.Trim()": ('" a ".Trim()', "a"),
    "string.Substring()": ('"abcd".Substring(1, 2) + "abcd".Substring(3)', "bcd"),
    "string.ToString()": ('"a".ToString()', "a"),
    "int.ToString()": ("(7).ToString()", "7"),
    "bool.ToString()": ("(1 < 2).ToString()", "True"),
    "double.ToString()": ("(1.5).ToString()", "1.5"),
    "Guid.ToString()": ("context.RequestId.ToString().Length", 36),
    "JObject.ToString()": ('new JObject(new JProperty("a", null)).ToString()', '{\n  "a": null\n}'),
    "JArray.ToString()": ("new JArray(1).ToString()", "[\n  1\n]"),
    "DateTime.ToString()": ('DateTime.UtcNow.ToString("o")', "2026-11-22T14:05:12.3456780Z"),
    "DateTime.Subtract()": ("DateTime.UtcNow.Subtract(DateTime.UtcNow).TotalSeconds", 0.0),
    "Body.As<JObject>()": ('(int)context.Response.Body.As<JObject>()["left"]', 3),
    "Body.As<string>()": ("context.Response.Body.As<string>()", '{"left": 3}'),
    "Variables.ContainsKey()": ('context.Variables.ContainsKey("none")', False),
    "Variables.GetValueOrDefault<string>()": ('context.Variables.GetValueOrDefault<string>("name", "-")', "Ada"),
    "Variables.GetValueOrDefault<int>()": ('context.Variables.GetValueOrDefault<int>("none", 4)', 4),
    "Variables.GetValueOrDefault<bool>()": ('context.Variables.GetValueOrDefault<bool>("none", true)', True),
    "Headers.GetValueOrDefault()": ('context.Request.Headers.GetValueOrDefault("X-Region", "eu")', "us"),
    "Headers.ContainsKey()": ('context.Request.Headers.ContainsKey("x-region")', True),
    "Query.GetValueOrDefault()": ('context.Request.Url.Query.GetValueOrDefault("q", "")', "1"),
    "Math.Min()": ("Math.Min(1, 2)", 1),
    "Math.Max()": ("Math.Max(1, 2)", 2),
    "Math.Ceiling()": ("Math.Ceiling(1.2)", 2.0),
    "DateTime.Parse()": ('DateTime.Parse("2026-11-22T14:05:12.345678Z") == DateTime.UtcNow', True),
    "JObject.Parse()": ("(string)JObject.Parse(\"{\\\"a\\\": \\\"b\\\"}\")[\"a\"]", "b"),
    "string.IsNullOrEmpty()": ('string.IsNullOrEmpty("")', True),
    "string.Concat()": ('string.Concat("a", 1, true)', "a1True"),
    "int.Parse()": ('int.Parse("12") + 1', 13),
    "Guid.NewGuid()": ("Guid.NewGuid() != Guid.NewGuid()", True),
    "JObject": ('(int?)new JObject(new JProperty("a", 1))["b"] ?? 9', 9),
    "JProperty": ('(string)new JObject(new JProperty("a", "x"))["a"]', "x"),
    "JArray": ("(int)new JArray(4, 5)[1]", 5),
}  # fmt: skip


def context() -> Thing:
    query = Thing("Query", q="1")
    url = Thing("Url", Path="/a", Host="h", Scheme="https", Query=query, QueryString="?q=1")
    return Thing(
        "Context",
        RequestId=uuid.uuid4(),
        Request=Thing("Request", Headers=Headers({"x-region": "us"}), Url=url, Method="GET"),
        Response=Thing("IResponse", StatusCode=200, Body=Thing("Body", text='{"left": 3}')),
        Variables=Variables(name="Ada"),
        Subscription=None,
    )


def value(expression: str) -> Any:
    return evaluate(f"@({expression})", context(), lambda: NOW)


def test_every_member_of_the_closed_list_has_a_twin_that_is_tried() -> None:
    assert set(TWINS) == {*PROPERTIES, *METHODS, *STATICS, *CONSTRUCTORS}


@pytest.mark.parametrize("name", sorted(TWINS))
def test_a_twin_says_what_dotnet_says(name: str) -> None:
    expression, expected = TWINS[name]
    assert value(expression) == expected
    assert unknown(f"@({expression})") == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('context.Subscription?.Id ?? "none"', "none"),
        ("1 + 2 * 3 - 4 / 3", 6),
        ('1 + "a" + true', "1aTrue"),
        ("!(1 > 2) && (2 >= 2 || 1 % 0 == 1)", True),
        ('"a" == "b" ? "x" : 1 < 2 ? "y" : "z"', "y"),
        ('@"C:\\" + "a\\tb"', "C:\\a\tb"),
        ("-(3) + 5 // the rest is a comment", 2),
    ],
)
def test_the_language_binds_and_joins_as_csharp_does(expression: str, expected: Any) -> None:
    assert evaluate(f"@({expression}\n)", context(), lambda: NOW) == expected


@pytest.mark.parametrize(
    "expression",
    ['@(context.Subscription.Id)', '@(context.Variables["none"])', '@((int)JObject.Parse("{}")["x"])',
     '@(JObject.Parse("no"))', '@(1 / 0)'],
)  # fmt: skip
def test_what_throws_in_dotnet_fails_here(expression: str) -> None:
    with pytest.raises(CsharpFault):
        evaluate(expression, context(), lambda: NOW)


@pytest.mark.parametrize(
    "expression",
    ["@(context.Nothing)", '@("a".PadLeft(3))', "@(new Random())", "@(x => x)", "@{ for (;;) {} }",
     "@(System.Environment.MachineName)", "@(1", "plain"],
)  # fmt: skip
def test_csharp_beyond_the_list_is_refused_and_named(expression: str) -> None:
    assert unknown(expression)
    with pytest.raises(NotEmulated):
        evaluate(expression, context(), lambda: NOW)


def test_every_expression_and_policy_of_our_fragments_is_in_the_closed_lists() -> None:
    wiring = Wiring("int_1", "sk", "http://edge/v1/ingest", excluded=("/a",))
    values = {**switches(wiring), "aforo-key": "sk", "aforo-url": "http://edge"}
    seen = 0
    for text in fragments(wiring, {"orders": "prod_1"}, 100).values():
        filled = re.sub(r"\{\{([a-z-]+)\}\}", lambda found: values[found[1]], text)
        for expression in expressions(policy_text.parse(filled, raw=True)):
            assert unknown(expression) == [], expression
            seen += 1
    assert seen > 40


def expressions(node: Node) -> list[str]:
    """And on the way, that every policy is known; the parts of one are its own."""
    parts = {"fragment", "when", "otherwise", "value", "set-url", "set-method"}
    assert not node.tag or node.tag in {*POLICIES, *parts}, node.tag
    texts = [value for _, value in node.attributes] + ([] if node.tag else [node.text.strip()])
    found = [text for text in texts if text.startswith(("@(", "@{"))]
    return found + [one for child in node.children for one in expressions(child)]


THEIRS: Final = """<policies>
  <inbound>
    <cors><allowed-origins><origin>https://shop.example</origin></allowed-origins></cors>
    <base />
    <ip-filter action="allow"><address-range from="127.0.0.0" to="127.0.0.9" /></ip-filter>
    <check-header name="X-Team" failed-check-httpcode="400" failed-check-error-message="which team?" ignore-case="true">
      <value>red</value>
      <value>blue</value>
    </check-header>
    <rate-limit calls="3" renewal-period="10" />
    <cache-lookup-value key="greeting" variable-name="greeting" default-value="first" />
    <cache-store-value key="greeting" value="again" duration="60" />
    <set-header name="X-Tag" exists-action="append"><value>@(context.Api.Id)</value></set-header>
    <rewrite-uri template="@("/v1" + context.Request.Url.Path)" />
  </inbound>
  <backend><base /></backend>
  <outbound>
    <set-header name="X-Greeting" exists-action="skip">
      <value>@((string)context.Variables["greeting"])</value>
    </set-header>
    <choose>
      <when condition="@(context.Response.StatusCode == 200 && context.Operation?.Id == "listOrders")">
        <set-status code="203" reason="Changed" />
      </when>
      <otherwise><set-body>nothing</set-body></otherwise>
    </choose>
    <base />
  </outbound>
  <on-error>
    <set-header name="X-Why"><value>@(context.LastError.Source + "/" + context.LastError.Reason)</value></set-header>
  </on-error>
</policies>"""


async def test_a_policy_that_is_none_of_ours_runs_as_the_vendor_describes_it(tmp_path: Path) -> None:
    async with enforced(tmp_path, install=False) as there:
        _with(there, THEIRS)
        first, second = [await there.ask("orders/orders", X_Team="RED", X_Tag="mine") for _ in range(2)]
        assert (first.status_code, first.headers["x-greeting"], second.headers["x-greeting"]) == (203, "first", "again")
        received = there.app.proxying.received
        assert received is not None
        assert (received.headers["x-tag"], received.path) == ("mine,orders", "/v1/orders")
        assert (await there.ask("orders/elsewhere", X_Team="blue")).text == "nothing"
        limited = await there.ask("orders/orders", X_Team="red")
        assert (limited.status_code, limited.headers["x-why"]) == (429, "rate-limit/RateLimitExceeded")
        assert limited.headers["retry-after"] == "10"
        there.clock.forward(seconds=10)
        wrong = await there.ask("orders/orders", X_Team="green")
        assert (wrong.status_code, wrong.json()["message"]) == (400, "which team?")
        assert wrong.headers["x-why"] == "check-header/HeaderValueNotAllowed"
        assert (await there.ask(key="")).headers["x-why"] == "authorization/SubscriptionKeyNotFound"
        preflight = {"Origin": "https://shop.example", "Access_Control_Request_Method": "GET"}
        answer = await there.ask(key="", method="OPTIONS", **preflight)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://shop.example")
        assert there.reached == 3


async def test_the_order_is_the_services_then_the_products_then_the_apis(tmp_path: Path) -> None:
    add = '<set-header name="X-Way" exists-action="append"><value>%s</value></set-header>'
    whole = "<policies><inbound>%s</inbound></policies>"
    async with enforced(tmp_path, install=False) as there:
        backend = "<backend><forward-request /></backend>"
        there.hand(
            "PUT", "policies/policy", _raw((whole % (add % "s")).replace("</policies>", f"{backend}</policies>"))
        )
        there.hand("PUT", "products/orders/policies/policy", _raw(whole % ((add % "p") + "<base />")))
        there.hand("PUT", "apis/orders/policies/policy", _raw(whole % ("<base />" + (add % "a"))))
        assert (await there.ask()).status_code == 200
        received = there.app.proxying.received
        assert received is not None
        assert received.headers["x-way"] == "p,s,a"
        there.hand("PUT", "apis/orders/policies/policy", _raw(whole % (add % "a")))
        await there.ask()
        assert there.app.proxying.received is not received
        assert (there.app.proxying.received or received).headers["x-way"] == "a"


async def test_a_key_has_one_counter_in_a_window_that_slides_and_tells_what_is_left(tmp_path: Path) -> None:
    count = (
        '<rate-limit-by-key calls="@(1 + 2)" renewal-period="60" counter-key="@(context.Api.Id)" '
        'remaining-calls-variable-name="left" />'
    )
    told = '<set-header name="X-Left"><value>@(context.Variables["left"].ToString())</value></set-header>'
    async with enforced(tmp_path, install=False) as there:
        _with(there, f"<policies><inbound>{count}</inbound><outbound>{told}</outbound></policies>")
        left = []
        for _ in range(3):
            left.append((await there.ask()).headers["x-left"])
            there.clock.forward(seconds=10)
        assert left == ["2", "1", "0"]
        refused = await there.ask()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
        there.clock.forward(seconds=30)
        assert (await there.ask()).headers["x-left"] == "0"


@pytest.mark.parametrize(
    "element",
    ["<mock-response />", '<set-variable name="x" value="@(context.Tracing)" />',
     '<rate-limit-by-key calls="1" renewal-period="9" counter-key="x" increment-count="2" />',
     '<cache-lookup-value key="x" variable-name="y" caching-type="external" />',
     '<cache-store-value key="x" value="y" duration="9" vary-by="z" />'],
)  # fmt: skip
async def test_what_is_not_emulated_stops_the_call_and_says_so(tmp_path: Path, element: str) -> None:
    async with enforced(tmp_path, install=False) as there:
        _with(there, f"<policies><inbound><base />{element}</inbound></policies>")
        answer = await there.ask()
        assert answer.status_code == 501
        assert json.loads(answer.text)["emulator"].startswith("Not emulated: ")
        assert there.reached == 0


def _with(there: Enforced, text: str) -> None:
    there.hand("PUT", "apis/orders/policies/policy", _raw(text))


def _raw(text: str) -> dict[str, str]:
    return {"format": "rawxml", "value": text}


def test_no_member_of_the_context_is_listed_twice() -> None:
    assert all(len(names) == len(set(names)) for names in CONTEXT.values())
