"""Which key proves a token, and what is no token: the pure rules, where no provider is needed."""

import json

import pytest
from joserfc import jws

from aforo.accounts.oidc import tokens
from aforo.accounts.oidc.errors import TokenRefused
from tests.accounts.oidc.provider import key


def public(kid: str, method: str = "ES256", **told: str) -> tokens.Jwk:
    return {**key(kid, method).as_dict(private=False), **told}


def test_a_key_for_encryption_proves_no_signature() -> None:
    assert tokens.key_for({"kid": "first"}, [public("first", use="enc")]) is None
    assert tokens.key_for({"alg": "ES256"}, [public("first", use="enc")]) is None


def test_a_header_without_kid_is_believed_only_where_one_key_could_have_signed() -> None:
    lone = [public("first"), public("rsa", "RS256")]
    assert tokens.key_for({"alg": "ES256"}, lone) == public("first")
    assert tokens.key_for({"alg": "ES256"}, [*lone, public("second")]) is None


def test_a_signed_text_that_is_no_object_holds_no_claims() -> None:
    for payload in ("[]", '"sub"', "7"):
        token = jws.serialize_compact({"alg": "ES256"}, payload.encode(), key("first"), ["ES256"])
        with pytest.raises(TokenRefused, match="it holds no claims"):
            tokens.signed_claims(token, public("first"))


def test_a_token_of_more_than_100_kb_is_not_read() -> None:
    claims = json.dumps({"sub": "a" * 100_000})
    token = jws.serialize_compact({"alg": "ES256"}, claims.encode(), key("first"), ["ES256"])
    with pytest.raises(TokenRefused, match="it is no signed token"):
        tokens.signed_claims(token, public("first"))
