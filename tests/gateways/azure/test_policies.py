"""Policy documents: white space is nothing, an expression is kept letter by letter, and a section can be replaced."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateways.azure.emulator import policy_text
from aforo.gateways.azure.mapping.policies import (
    DOCUMENT,
    assembled,
    holds_secret,
    named_values,
    sections,
    with_sections,
)

EXPRESSIONS = (
    '@(context.Request.Headers.GetValueOrDefault("X","") == "<a>" && true)',
    "@{ var a = \"}\"; /* \" } */ return a.Length > 1 ? '\"' : '}'; }",
    '@($"{context.Api.Name}) is \\"it\\"")',
    '@{\n  // it\'s a "comment" }\n  return new List<string> { "a", @"c:\\" }.Count > 0;\n}',
    '@(context.Variables.GetValueOrDefault<string>("left"))',
)
WRITTEN = """<policies>
  <inbound>
    <base />
    <!-- who pays -->
    <set-header name="X" exists-action="override">
      <value>%s</value>
    </set-header>
    <set-variable value="%s" name="v" />
  </inbound>
  <outbound><base /></outbound>
</policies>"""


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_kept_letter_by_letter_wherever_it_stands(expression: str) -> None:
    inbound = sections(WRITTEN % (expression, expression))["inbound"]
    assert inbound.count(expression) == 2
    assert f"<value>{expression}</value>" in inbound
    assert f'name="v" value="{expression}"' in inbound


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_azure_writes_anew_on_saving_is_the_same(expression: str) -> None:
    raw = WRITTEN % (expression, expression)
    saved = policy_text.write(policy_text.parse(raw, raw=True), raw=True)
    assert saved != raw
    assert sections(saved) == sections(raw)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_sections_make_the_document_again(expression: str) -> None:
    told = sections(WRITTEN % (expression, expression))
    assert sections(assembled(told)) == told


words = st.text(
    st.characters(codec="ascii", exclude_characters="<>&\"'@{}\r\x00", exclude_categories=["Cc"]), max_size=12
)
names = st.sampled_from(["set-header", "trace", "choose", "when", "value"])
elements = st.recursive(
    st.builds(lambda name, text: f"<{name}>{text}</{name}>", names, words),
    lambda inner: st.builds(
        lambda name, at, parts: f'<{name} x="{at}">{"".join(parts)}</{name}>', names, words, st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.lists(elements, max_size=4), st.sampled_from(["", "\n", "\r\n\t", "   "]))
def test_white_space_between_elements_says_nothing(parts: list[str], space: str) -> None:
    plain = f"<policies><inbound>{''.join(parts)}</inbound></policies>"
    spaced = f"<policies>{space}<inbound>{space}{space.join(parts)}{space}</inbound>{space}</policies>"
    assert sections(spaced) == sections(plain)
    assert sections(assembled(sections(plain))) == sections(plain)


def test_comments_and_text_are_not_lost() -> None:
    inbound = sections("<policies><inbound><!-- mind --><a> two  words </a><b>x<c/>y</b></inbound></policies>")[
        "inbound"
    ]
    assert "<!--mind-->" in inbound
    assert "<a> two  words </a>" in inbound
    assert "<b>x<c></c>y</b>" in inbound


@pytest.mark.parametrize(
    "text",
    [
        "no XML at all",
        "<policies><inbound></policies>",
        "<fragment><base/></fragment>",
        '<policies><inbound a="@(never ends"/></policies>',
        "<policies><inbound/><inbound/></policies>",
        '<!DOCTYPE p [<!ENTITY x "y">]><policies><inbound>&x;</inbound></policies>',
        "<policies><inbound><soap:Body/></inbound></policies>",
        "<policies><inbound>\ue0000\ue001</inbound></policies>",
    ],
)
def test_what_cannot_be_taken_apart_is_compared_whole_and_counts_as_a_secret(text: str) -> None:
    assert sections(text) == {DOCUMENT: text}
    assert assembled(sections(text)) == text
    assert holds_secret("<inbound>") is True


def test_a_prefix_stays_as_it_was_written() -> None:
    body = '<set-body><soap:Envelope xmlns:soap="urn:soap"><soap:Body></soap:Body></soap:Envelope></set-body>'
    assert "<soap:Envelope xmlns:soap=" in sections(f"<policies><outbound>{body}</outbound></policies>")["outbound"]


def test_replacing_one_section_leaves_the_others_and_the_prose_before_them() -> None:
    raw = "<!-- by hand -->\r\n<policies><!-- inside --><inbound><a/></inbound><backend><b/></backend></policies>"
    after = with_sections(raw, {"inbound": "<inbound><new></new></inbound>", "on-error": "<on-error></on-error>"})
    assert after.startswith("<!-- by hand -->")
    assert "<!--inside-->" in after
    told = sections(after)
    assert told["inbound"] == sections("<policies><inbound><new/></inbound></policies>")["inbound"]
    assert told["backend"] == sections(raw)["backend"]
    assert "on-error" in told
    assert "backend" not in sections(with_sections(raw, {"backend": None}))


@pytest.mark.parametrize(
    ("inner", "is_secret"),
    [
        ('<authentication-basic username="a" password="hunter2" />', True),
        ('<authentication-basic username="a" password="{{pass}}" />', False),
        ('<set-header name="Authorization"><value>Basic YTpi</value></set-header>', True),
        ('<set-header name="Authorization"><value>@("Bearer " + context.User.Id)</value></set-header>', False),
        ('<set-query-parameter name="code"><value>abc</value></set-query-parameter>', True),
        ('<set-header name="X-Region"><value>eu</value></set-header>', False),
    ],
)
def test_a_section_with_a_secret_in_clear_is_pointed_out(inner: str, is_secret: bool) -> None:
    assert holds_secret(f"<inbound>{inner}</inbound>") is is_secret


def test_named_values_are_found_wherever_they_stand() -> None:
    assert named_values('<a x="{{one}}">{{ two.2 }} and @("{{three}}") {four}</a>') == {"one", "two.2", "three"}
