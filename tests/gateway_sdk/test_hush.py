"""No secret is in a text after hushing, in any form in which it travels or is echoed."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.transport import Hush

SECRET = 'kpat_7f3a"planted/secret+token=\u00e90c19'
secrets = st.text(st.characters(codec="utf-8"), min_size=4, max_size=40).filter(lambda text: text.strip() == text)


def _forms(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        json.dumps(secret).replace("/", "\\/"),
        repr(secret),
        repr(raw),
        quote(secret),
        quote(secret, safe="").lower(),
        quote_plus(secret),
    ]


@pytest.mark.parametrize("form", _forms(SECRET))
def test_a_secret_is_hushed_as_it_is_and_escaped(form: str) -> None:
    hushed = Hush([SECRET])(f"refused {form} here")
    assert "planted" not in hushed
    assert hushed.startswith("refused ")
    assert hushed.endswith(" here")


@given(secrets, st.text(st.characters(codec="utf-8"), max_size=9), st.text(st.characters(codec="utf-8"), max_size=5))
@settings(max_examples=50)
def test_a_secret_is_hushed_in_base64_at_any_offset(secret: str, before: str, after: str) -> None:
    coded = base64.b64encode(f"{before}:{secret}{after}".encode()).decode()
    left = Hush([secret])(f"Authorization: Basic {coded}").removeprefix("Authorization: Basic ")
    assert "••••" in left
    kept = sum(len(part) for part in left.split("••••"))
    beside = len(f"{before}:{after}".encode()) * 8 / 6
    assert kept <= beside + 8, "no more is left than stood beside the secret, and the letters that both share"


def test_a_pair_of_user_and_secret_is_hushed_also_where_base64_is_safe_for_addresses() -> None:
    coded = base64.urlsafe_b64encode(f"admin:{SECRET}".encode()).decode()
    assert coded[14:-4] not in Hush([SECRET])(coded)


def test_each_line_of_a_key_is_hushed_also_alone_and_in_a_json_file() -> None:
    pem = trustme.CA().issue_cert("localhost").private_key_pem.bytes().decode()
    lines = [line for line in pem.splitlines() if not line.startswith("-----") and len(line) > 16]
    assert len(lines) >= 2
    for secret in (pem, json.dumps({"type": "service_account", "private_key": pem})):
        hush = Hush([secret])
        for line in lines:
            assert hush(f"bad line {line}!") == "bad line ••••!"
        assert hush("a service_account without a key") == "a service_account without a key"


def test_very_short_secrets_and_whole_documents_leave_other_words_alone() -> None:
    document = "_format_version: '3.0'\nservices:\n" + "".join(f"- name: service-{n}\n" for n in range(10_000))
    hush = Hush(["abc", document])
    assert hush("service-7 of abc has no host") == "service-7 of abc has no host"
    assert hush(f"cannot read {document}") == "cannot read ••••"
