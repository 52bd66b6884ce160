"""Who is let in: trust policies, ExternalIds, sessions that end, signatures, clocks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.aws import emulator
from aforo.gateways.aws.emulator.identity import ADMIN_ARN, ADMIN_KEY, AFORO_ARN
from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT
from aforo.gateways.aws.emulator.seeds import EXTERNAL_ID, OPEN_ROLE_ARN, ROLE_ARN
from aforo.gateways.aws.emulator.trust import permits, trusts
from aforo.kit.clock import HandClock
from tests.gateways.aws.served_emulator import Account, code, serving


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    app = emulator.create(StateFile())
    emulator.seed(app)
    with serving(app) as served:
        yield served


def refused(call: Any, *args: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(*args, **params)
    return code(raised.value)


def test_the_role_opens_to_its_external_id(account: Account) -> None:
    identity = account.as_role("sts", ROLE_ARN, EXTERNAL_ID).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{CUSTOMER_ACCOUNT}:assumed-role/AforoAccess/aforo"
    assert identity["Account"] == CUSTOMER_ACCOUNT


@pytest.mark.parametrize("external_id", [None, "00000000-0000-4000-8000-000000000000", EXTERNAL_ID.upper()])
def test_the_role_stays_shut_without_its_external_id(account: Account, external_id: str | None) -> None:
    assert refused(account.session_keys, ROLE_ARN, external_id) == "AccessDenied"


def test_the_role_stays_shut_to_another_principal_who_knows_the_external_id(account: Account) -> None:
    sts = account.client("sts")
    assert refused(sts.assume_role, RoleArn=ROLE_ARN, RoleSessionName="me", ExternalId=EXTERNAL_ID) == "AccessDenied"


def test_an_unknown_role_is_denied_not_missing(account: Account) -> None:
    assert refused(account.session_keys, ROLE_ARN + "X", EXTERNAL_ID) == "AccessDenied"


@pytest.mark.parametrize("external_id", [None, "anything", EXTERNAL_ID])
def test_a_role_that_forgot_the_condition_opens_to_any_external_id(account: Account, external_id: str | None) -> None:
    assert account.as_role("sts", OPEN_ROLE_ARN, external_id).get_caller_identity()["Account"] == CUSTOMER_ACCOUNT


def test_users_are_told_who_they_are(account: Account) -> None:
    assert account.aforo("sts").get_caller_identity()["Arn"] == AFORO_ARN
    assert account.client("sts").get_caller_identity()["Arn"] == ADMIN_ARN


def test_accounts_do_not_see_each_others_apis(account: Account) -> None:
    assert account.aforo("apigateway").get_rest_apis()["items"] == []
    assert len(account.client("apigateway").get_rest_apis()["items"]) == 7


@pytest.mark.parametrize("seconds", [1, 899, 43201])
def test_a_session_of_impossible_length_is_refused(account: Account, seconds: int) -> None:
    assert refused(account.session_keys, OPEN_ROLE_ARN, None, DurationSeconds=seconds) == "ValidationError"


def test_a_session_longer_than_the_role_allows_is_refused(account: Account) -> None:
    assert refused(account.session_keys, OPEN_ROLE_ARN, None, DurationSeconds=7200) == "ValidationError"


@pytest.mark.parametrize("external_id", ["a", "has spaces in it", "x" * 1225])
def test_an_external_id_of_impossible_form_is_refused(account: Account, external_id: str) -> None:
    assert refused(account.session_keys, ROLE_ARN, external_id) == "ValidationError"


def test_a_wrong_secret_is_a_signature_that_does_not_match(account: Account) -> None:
    wrong = (ADMIN_KEY[0], "wrong")
    assert refused(account.client("sts", wrong).get_caller_identity) == "SignatureDoesNotMatch"
    assert refused(account.client("apigateway", wrong).get_rest_apis) == "InvalidSignatureException"


def test_an_unknown_key_is_named_as_each_protocol_names_it(account: Account) -> None:
    unknown = ("AKIANOBODYKNOWSTHIS0", "whatever")
    assert refused(account.client("sts", unknown).get_caller_identity) == "InvalidClientTokenId"
    assert refused(account.client("apigateway", unknown).get_rest_apis) == "UnrecognizedClientException"


def test_a_session_with_a_changed_token_is_refused(account: Account) -> None:
    key, secret, token = account.session_keys(ROLE_ARN, EXTERNAL_ID)
    changed = account.client("apigateway", (key, secret, token[:-1] + ("a" if token[-1] != "a" else "b")))
    assert refused(changed.get_rest_apis) == "UnrecognizedClientException"
    assert refused(account.client("apigateway", (key, secret)).get_rest_apis) == "UnrecognizedClientException"


def test_an_unsigned_call_is_refused(account: Account) -> None:
    with pytest.raises(OSError, match="403"):
        urlopen(account.url + "/restapis")


def test_a_key_made_in_iam_signs_as_its_user(account: Account) -> None:
    iam = account.client("iam")
    iam.create_user(UserName="ci")
    made = iam.create_access_key(UserName="ci")["AccessKey"]
    sts = account.client("sts", (made["AccessKeyId"], made["SecretAccessKey"]))
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{CUSTOMER_ACCOUNT}:user/ci"


def test_an_expired_session_is_named_as_each_protocol_names_it() -> None:
    clock = HandClock(datetime.now(UTC))
    app = emulator.create(StateFile(), clock=clock, session_seconds=60)
    emulator.seed(app)
    with serving(app) as account:
        keys = account.session_keys(ROLE_ARN, EXTERNAL_ID)
        account.client("apigateway", keys).get_rest_apis()
        clock.forward(61)
        assert refused(account.client("sts", keys).get_caller_identity) == "ExpiredToken"
        assert refused(account.client("apigateway", keys).get_rest_apis) == "ExpiredTokenException"


@pytest.mark.parametrize(("skew", "words"), [(600, "Signature expired: "), (-600, "Signature not yet current: ")])
def test_a_clock_that_is_ten_minutes_off_is_told_so(skew: float, words: str) -> None:
    app = emulator.create(StateFile())
    with serving(app) as account:
        app.switches.skew_seconds = skew
        with pytest.raises(ClientError, match=words) as raised:
            account.client("sts").get_caller_identity()
        assert code(raised.value) == "SignatureDoesNotMatch"
        app.switches.skew_seconds = skew / 4
        account.client("sts").get_caller_identity()


def test_a_policy_with_an_unknown_condition_trusts_nobody() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    assert trusts({"Statement": [statement]}, AFORO_ARN, None)
    for condition in ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}):
        assert not trusts({"Statement": [{**statement, "Condition": condition}]}, AFORO_ARN, "x")


def test_a_denial_wins_over_a_permission() -> None:
    allow = {"Effect": "Allow", "Action": "apigateway:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "apigateway:GET", "Resource": "arn:aws:apigateway:*::/apikeys*"}
    policies: list[dict[str, Any]] = [{"Statement": allow}, {"Statement": [deny]}]
    assert permits(policies, "apigateway:GET", "arn:aws:apigateway:eu-west-1::/restapis")
    assert not permits(policies, "apigateway:GET", "arn:aws:apigateway:eu-west-1::/apikeys/abc")
    assert permits(policies, "apigateway:DELETE", "arn:aws:apigateway:eu-west-1::/apikeys/abc")
