"""The role template: clean, least rights, and a role that only Aforo with the right ExternalId may assume."""

import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from botocore.exceptions import ClientError
from cfnlint import lint_all

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.aws import emulator
from aforo.gateways.aws.artifact.stack import stack
from aforo.gateways.aws.cloudformation import Variant, deploy_command, quick_create_link, role_template
from aforo.gateways.aws.emulator.identity import AFORO_ARN
from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT
from tests.gateways.aws.served_emulator import Account, serving

EXTERNAL_ID = "0d5f2f5e-8f5b-4c9e-9b1d-2f8a4a1b7c10"
LOG_DELIVERY = {
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies",
}  # fmt: skip
"""What AWS asks of whoever sets an HTTP API's access log; it knows no resource for these."""
VARIANTS: tuple[Variant, ...] = ("read_only", "full")


def template(variant: Variant, external_id: str | None = EXTERNAL_ID) -> str:
    return role_template(aforo_principal_arn=AFORO_ARN, external_id=external_id, variant=variant)


def statements(variant: Variant) -> list[dict[str, Any]]:
    parsed = yaml.safe_load(template(variant))
    found: list[dict[str, Any]] = parsed["Resources"]["AccessRole"]["Properties"]["Policies"][0]["PolicyDocument"][
        "Statement"
    ]
    return found


def complaints(text: str) -> list[str]:
    """Errors and warnings, as `cfn-lint` gives them; not its informational rules, which are off by default there."""
    return [match.rule.id for match in lint_all(text) if not match.rule.id.startswith("I")]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("external_id", [EXTERNAL_ID, None])
def test_cfn_lint_has_nothing_to_say(variant: Variant, external_id: str | None) -> None:
    assert complaints(template(variant, external_id)) == []


def test_cfn_lint_has_nothing_to_say_of_the_functions() -> None:
    text = stack("https://ingest.example.com").text
    assert complaints(text) == []
    assert complaints(text.replace("MaximumRetryAttempts: 2", "MaximumRetryAttempts: 3")) == ["E3034"]


def test_each_function_may_write_its_own_logs_and_the_forwarder_the_queue_and_nothing_else() -> None:
    parsed = yaml.safe_load(stack("https://ingest.example.com").text)["Resources"]
    roles = {name: one["Properties"]["Policies"] for name, one in parsed.items() if one["Type"] == "AWS::IAM::Role"}
    rights = {
        name: {action for row in policies[0]["PolicyDocument"]["Statement"] for action in row["Action"]}
        for name, policies in roles.items()
    }
    logs = {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
    assert rights == {"AuthorizerRole": logs, "ForwarderRole": {*logs, "sqs:SendMessage"}}


def test_cfn_lint_would_have_said_something() -> None:
    broken = template("full").replace("MaxSessionDuration: 3600", "MaxSessionDuration: 12")
    assert complaints(broken) == ["E3034"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_right_is_wider_than_its_reason(variant: Variant) -> None:
    on_everything = {"tag:GetResources", "logs:DescribeLogGroups", *LOG_DELIVERY}
    for statement in statements(variant):
        assert not any(action.endswith("*") for action in statement["Action"])
        assert "*" not in statement["Resource"] or set(statement["Action"]) <= on_everything


def test_the_read_only_variant_only_reads() -> None:
    allowed = {action for row in statements("read_only") if row["Effect"] == "Allow" for action in row["Action"]}
    assert allowed == {"apigateway:GET", "tag:GetResources"}


def test_a_role_can_be_passed_to_functions_alone_and_it_is_one_role() -> None:
    passing = [row for row in statements("full") if "iam:PassRole" in row["Action"]]
    assert len(passing) == 1
    assert passing[0]["Resource"] == [{"Fn::GetAtt": ["FunctionRole", "Arn"]}]
    assert passing[0]["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}


@pytest.mark.parametrize("wrong", ["", "deadbeef", "0D5F2F5E-8F5B-4C9E-9B1D-2F8A4A1B7C10", EXTERNAL_ID + "0"])
def test_an_external_id_that_is_no_uuid_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="ExternalId"):
        template("read_only", wrong)


def test_a_principal_that_is_everybody_is_refused() -> None:
    with pytest.raises(ValueError, match="principal"):
        role_template(aforo_principal_arn="*", external_id=EXTERNAL_ID, variant="full")


def test_the_quick_create_link_carries_template_stack_and_external_id() -> None:
    link = urlsplit(
        quick_create_link("eu-west-1", "https://b.s3.amazonaws.com/role.yaml?v=1&x=2", "aforo", EXTERNAL_ID)
    )
    path, _, query = link.fragment.partition("?")
    assert (link.netloc, link.query, path) == (
        "eu-west-1.console.aws.amazon.com",
        "region=eu-west-1",
        "/stacks/create/review",
    )
    assert parse_qs(query) == {
        "templateURL": ["https://b.s3.amazonaws.com/role.yaml?v=1&x=2"],
        "stackName": ["aforo"],
        "param_ExternalId": [EXTERNAL_ID],
    }


def test_the_deploy_command_survives_a_shell() -> None:
    words = shlex.split(deploy_command("my role.yaml", "eu-west-1", EXTERNAL_ID))
    assert words[:5] == ["aws", "cloudformation", "deploy", "--template-file", "my role.yaml"]
    assert words[words.index("--capabilities") + 1] == "CAPABILITY_NAMED_IAM"
    assert words[-1] == f"ExternalId={EXTERNAL_ID}"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serving(emulator.create(StateFile())) as served:
        yield served


def deploy(account: Account, variant: Variant) -> str:
    """Create the stack through the emulator, as the customer's administrator would; answers the role's ARN."""
    stacks = account.client("cloudformation")
    name = f"aforo-{variant.replace('_', '-')}"
    if name not in [stack["StackName"] for stack in stacks.describe_stacks()["Stacks"]]:
        body = role_template(
            aforo_principal_arn=AFORO_ARN, external_id=EXTERNAL_ID, variant=variant, role_name=f"Aforo-{variant}"
        )
        stacks.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    outputs = stacks.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    return str(next(output["OutputValue"] for output in outputs if output["OutputKey"] == "RoleArn"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_deployed_role_opens_to_the_right_external_id_and_to_no_other(account: Account, variant: Variant) -> None:
    role = deploy(account, variant)
    assert role == f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/Aforo-{variant}"
    identity = account.as_role("sts", role, EXTERNAL_ID).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{CUSTOMER_ACCOUNT}:assumed-role/Aforo-{variant}/aforo"
    for wrong in ({}, {"ExternalId": EXTERNAL_ID[:-1] + "1"}):
        with pytest.raises(ClientError, match="AccessDenied"):
            account.aforo("sts").assume_role(RoleArn=role, RoleSessionName="aforo", **wrong)
    with pytest.raises(ClientError, match="AccessDenied"):
        account.client("sts").assume_role(RoleArn=role, RoleSessionName="aforo", ExternalId=EXTERNAL_ID)


def test_each_variant_may_do_what_it_is_for_and_no_more(account: Account) -> None:
    admin = account.client("apigateway")
    api = admin.create_rest_api(name="Orders")["id"]
    plan = admin.create_usage_plan(name="gold")["id"]
    reader = account.as_role("apigateway", deploy(account, "read_only"), EXTERNAL_ID)
    keeper = account.as_role("apigateway", deploy(account, "full"), EXTERNAL_ID)
    for may_read in (reader, keeper):
        may_read.get_account()
        may_read.get_resources(restApiId=api, embed=["methods"])
        assert [found["id"] for found in may_read.get_usage_plans()["items"]] == [plan]
    keeper.update_rest_api(restApiId=api, patchOperations=[{"op": "replace", "path": "/description", "value": "x"}])
    key = keeper.create_api_key(name="acme")["id"]
    keeper.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    refused = [
        lambda: reader.get_usage_plan_keys(usagePlanId=plan),
        reader.get_api_keys,
        lambda: reader.create_api_key(name="mine"),
        lambda: reader.put_rest_api(restApiId=api, mode="overwrite", body=b"{}"),
        lambda: keeper.delete_rest_api(restApiId=api),
        lambda: keeper.delete_stage(restApiId=api, stageName="prod"),
        lambda: keeper.update_account(patchOperations=[]),
    ]
    for attempt in refused:
        with pytest.raises(ClientError, match="AccessDeniedException"):
            attempt()
