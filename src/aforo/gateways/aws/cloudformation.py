"""The CloudFormation template of the role by which Aforo enters a customer's account, and the ways to deploy it.

Least rights, in two variants: `read_only` is what test, discovery, preview and drift read; `full` adds what restore,
usage plans, keys, and an authorizer function with log forwarding need. Neither can delete an API or a stage.

API Gateway's actions are HTTP methods on paths; an HTTP API's path in an ARN is /apis, without the /v2 of its address,
and `*` spans slashes. Source: API Gateway's developer guide on IAM, the service authorization reference.
"""

import re
import shlex
from collections.abc import Sequence
from typing import Any, Final, Literal
from urllib.parse import urlencode

Variant = Literal["read_only", "full"]
Block = dict[str, Any]

ROLE_NAME: Final = "AforoGatewayAccess"
STACK_NAME: Final = "aforo-gateway-access"
UUID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
PRINCIPAL_PATTERN: Final = "^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[A-Za-z0-9+=,.@_/-]+)$"
_ROLE_NAME_PATTERN: Final = "^[A-Za-z0-9+=,.@_-]{1,55}$"

_HTTP_API_CHILDREN: Final = ("deployments", "stages", "routes", "integrations", "authorizers")
_LOG_DELIVERY: Final = (
    "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
    "PutResourcePolicy", "DescribeResourcePolicies",
)  # fmt: skip
"""What API Gateway asks of whoever sets an HTTP API's access log; none of these knows a narrower resource."""
_KEY_PATHS: Final = ("/apikeys", "/apikeys/*", "/usageplans/*/keys", "/usageplans/*/keys/*")


def role_template(
    *,
    aforo_principal_arn: str,
    external_id: str | None,
    variant: Variant,
    role_name: str = ROLE_NAME,
) -> str:
    """The template as YAML. Without an ExternalId it has no default for it: for a template that many customers share.

    Raises ValueError for an ExternalId that is no lower-case UUID, or a principal that is no IAM ARN.
    """
    import yaml

    _check("ExternalId", external_id, UUID_PATTERN)
    _check("Aforo's principal", aforo_principal_arn, PRINCIPAL_PATTERN)
    _check("role name", role_name, _ROLE_NAME_PATTERN)
    resources = {"AccessRole": _access_role(variant)}
    outputs = {"RoleArn": _output("Paste this into Aforo", {"Fn::GetAtt": ["AccessRole", "Arn"]})}
    if variant == "full":
        resources["FunctionRole"] = _function_role()
        outputs["FunctionRoleArn"] = _output("The role of Aforo's functions", {"Fn::GetAtt": ["FunctionRole", "Arn"]})
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": _DESCRIPTIONS[variant],
        "Parameters": _parameters(aforo_principal_arn, external_id, role_name),
        "Resources": resources,
        "Outputs": outputs,
    }
    return yaml.safe_dump(template, sort_keys=False, width=110)


def quick_create_link(region: str, template_url: str, stack_name: str, external_id: str) -> str:
    """The address in AWS's console that opens the stack's form filled in; the template must be hosted at S3."""
    query = urlencode({"templateURL": template_url, "stackName": stack_name, "param_ExternalId": external_id})
    host = f"https://{region}.console.aws.amazon.com/cloudformation/home"
    return f"{host}?region={region}#/stacks/create/review?{query}"


def deploy_command(template_file: str, region: str, external_id: str, stack_name: str = STACK_NAME) -> str:
    """The command that deploys a downloaded template, quoted for a POSIX shell."""
    return shlex.join(
        (
            "aws", "cloudformation", "deploy", "--template-file", template_file, "--stack-name", stack_name,
            "--region", region, "--capabilities", "CAPABILITY_NAMED_IAM",
            "--parameter-overrides", f"ExternalId={external_id}",
        )
    )  # fmt: skip


def _check(what: str, value: str | None, pattern: str) -> None:
    if value is not None and not re.fullmatch(pattern, value):
        raise ValueError(f"{what} is not of the form {pattern}: {value}")


_DESCRIPTIONS: Final = {
    "read_only": "Lets Aforo read this account's API Gateway: APIs, stages and usage plans, never API keys.",
    "full": "Lets Aforo read this account's API Gateway, restore APIs, and keep usage plans, keys and own functions.",
}


def _parameters(principal: str, external_id: str | None, role_name: str) -> Block:
    return {
        "AforoPrincipalArn": {
            "Type": "String",
            "Default": principal,
            "AllowedPattern": PRINCIPAL_PATTERN,
            "Description": "Who may assume the role: Aforo's own AWS principal.",
        },
        "ExternalId": {
            "Type": "String",
            **({"Default": external_id} if external_id else {}),
            "AllowedPattern": UUID_PATTERN,
            "ConstraintDescription": "must be the UUID that Aforo shows for this integration",
            "Description": "Made by Aforo for this one integration; the role refuses everybody who does not name it.",
        },
        "RoleName": {
            "Type": "String",
            "Default": role_name,
            "AllowedPattern": _ROLE_NAME_PATTERN,
            "Description": "Name of the role to create.",
        },
    }


def _access_role(variant: Variant) -> Block:
    statements = [*_reading(), *(_changing() if variant == "full" else _no_keys())]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Ref": "RoleName"},
            "Description": f"Aforo, {variant.replace('_', ' ')}",
            "MaxSessionDuration": 3600,
            "AssumeRolePolicyDocument": _policy(
                {
                    "Sid": "AforoWithThisExternalIdOnly",
                    "Effect": "Allow",
                    "Principal": {"AWS": {"Ref": "AforoPrincipalArn"}},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
                }
            ),
            "Policies": [{"PolicyName": "AforoGatewayAccess", "PolicyDocument": _policy(*statements)}],
            "Tags": [{"Key": "managed-by", "Value": "aforo"}],
        },
    }


def _function_role() -> Block:
    """What the authorizer and the log forwarder run as: they may write their own logs, and keep undelivered calls."""
    logs = _sub("arn:${AWS::Partition}:logs:*:${AWS::AccountId}:log-group:/aws/lambda/aforo-*")
    queue = _sub("arn:${AWS::Partition}:sqs:*:${AWS::AccountId}:aforo-undelivered-*")
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Fn::Sub": "${RoleName}-functions"},
            "Description": "Runs Aforo's authorizer and log forwarder",
            "AssumeRolePolicyDocument": _policy(
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ),
            "Policies": [
                {
                    "PolicyName": "OwnLogs",
                    "PolicyDocument": _policy(
                        _allow("OwnLogs", ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"), [logs]),
                        _allow("KeepUndelivered", ("sqs:SendMessage",), [queue]),
                    ),
                }
            ],
            "Tags": [{"Key": "managed-by", "Value": "aforo"}],
        },
    }


def _reading() -> list[Block]:
    return [
        _gateway("ReadApis", "GET", "/restapis", "/restapis/*", "/apis", "/apis/*"),
        _gateway("ReadPlansAccountAndTags", "GET", "/account", "/usageplans", "/usageplans/*", "/tags/*"),
        _allow("FindTaggedApis", ("tag:GetResources",), ["*"]),
    ]


def _no_keys() -> list[Block]:
    """/usageplans/* would include the keys in a plan, whose values are readable."""
    return [{**_gateway("NeverReadKeys", "GET", *_KEY_PATHS), "Effect": "Deny"}]


def _changing() -> list[Block]:
    return [*_restoring(), *_selling(), *_running(), *_forwarding()]


def _restoring() -> list[Block]:
    children = [f"/apis/*/{child}" for child in _HTTP_API_CHILDREN]
    parts = [f"/apis/*/{child}/*" for child in ("routes", "integrations", "authorizers")]
    parts += ["/apis/*/cors", "/apis/*/stages/*/routesettings/*", "/apis/*/stages/*/accesslogsettings"]
    return [
        _gateway("ImportApis", ("POST", "PUT"), "/restapis", "/apis"),
        _gateway("ChangeApis", ("PUT", "PATCH"), "/restapis/*", "/apis/*"),
        _gateway("DeployRestApis", "POST", "/restapis/*/deployments", "/restapis/*/stages", "/restapis/*/authorizers"),
        _gateway("DeployHttpApis", "POST", *children),
        _gateway("RemoveParts", "DELETE", "/restapis/*/authorizers/*", "/restapis/*/gatewayresponses/*", *parts),
        _gateway("Tag", ("POST", "PUT", "DELETE"), "/tags/*"),
        _allow("SetApiPolicy", ("apigateway:UpdateRestApiPolicy",), _gateway_arns("/restapis", "/restapis/*")),
    ]


def _selling() -> list[Block]:
    ours = {"Condition": {"StringEquals": {"aws:ResourceTag/managed-by": "aforo"}}}
    return [
        _gateway("CreatePlansAndKeys", "POST", "/usageplans", "/apikeys", "/usageplans/*/keys"),
        _gateway("ReadKeys", "GET", "/apikeys", "/apikeys/*"),
        _gateway("ChangePlansAndKeys", "PATCH", "/usageplans/*", "/apikeys/*"),
        _gateway("RevokeKeys", "DELETE", "/apikeys/*", "/usageplans/*/keys/*"),
        {**_gateway("RemoveOwnPlans", "DELETE", "/usageplans/*"), **ours},
    ]


def _running() -> list[Block]:
    functions = [
        _sub("arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:aforo-*"),
        _sub("arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:aforo-*:*"),
    ]
    actions = (
        "AddPermission", "CreateAlias", "CreateFunction", "DeleteAlias", "DeleteFunction", "GetAlias", "GetFunction",
        "GetFunctionConfiguration", "GetPolicy", "ListVersionsByFunction", "PublishVersion",
        "PutFunctionEventInvokeConfig", "RemovePermission", "TagResource", "UpdateAlias", "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
    )  # fmt: skip
    return [
        _allow("OwnFunctions", [f"lambda:{action}" for action in actions], functions),
        {
            **_allow("RunThemAsOneRole", ("iam:PassRole",), [{"Fn::GetAtt": ["FunctionRole", "Arn"]}]),
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        },
    ]


def _forwarding() -> list[Block]:
    groups = _sub("arn:${AWS::Partition}:logs:*:${AWS::AccountId}:log-group:/aforo/*")
    queues = _sub("arn:${AWS::Partition}:sqs:*:${AWS::AccountId}:aforo-undelivered-*")
    own = ("CreateLogGroup", "PutRetentionPolicy", "DescribeSubscriptionFilters", "PutSubscriptionFilter",
           "DeleteSubscriptionFilter", "TagResource")  # fmt: skip
    return [
        _allow("OwnLogGroups", [f"logs:{action}" for action in own], [groups]),
        _allow("FindLogGroups", ("logs:DescribeLogGroups",), ["*"]),
        _allow("LetHttpApisLog", [f"logs:{action}" for action in _LOG_DELIVERY], ["*"]),
        _allow("OwnQueues", ("sqs:CreateQueue", "sqs:GetQueueUrl"), [queues]),
    ]


def _gateway(sid: str, methods: str | Sequence[str], *paths: str) -> Block:
    named = (methods,) if isinstance(methods, str) else methods
    return _allow(sid, [f"apigateway:{method}" for method in named], _gateway_arns(*paths))


def _gateway_arns(*paths: str) -> list[Block | str]:
    return [_sub(f"arn:${{AWS::Partition}}:apigateway:*::{path}") for path in paths]


def _allow(sid: str, actions: Sequence[str], resources: Sequence[Block | str]) -> Block:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _policy(*statements: Block) -> Block:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _sub(text: str) -> Block:
    return {"Fn::Sub": text}


def _output(description: str, value: Block) -> Block:
    return {"Description": description, "Value": value}
