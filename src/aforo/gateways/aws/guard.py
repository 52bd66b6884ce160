"""The deletion guard: a managed policy by which nobody it is attached to deletes or overwrites what is sold.

It is attached by the customer, to people and pipelines, and not to Aforo's own role, which restores. An explicit deny
beats every allow. API Gateway's actions are HTTP methods; the tag is the one that pricing sets at an API and a stage.
Source: API Gateway's developer guide on tags in IAM policies.
"""

from typing import Any, Final

from aforo.gateway_sdk.contract import Document
from aforo.gateways.aws.mapping.rules.settings import MONETIZED

_GUARDED: Final = {
    "DELETE": ("/restapis/*", "/apis/*"),
    "PUT": ("/restapis/*", "/apis/*"),
}


def guard() -> Document:
    """A CloudFormation template with one managed policy; it needs CAPABILITY_NAMED_IAM."""
    import yaml

    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Denies deleting and overwriting APIs and stages that are sold through Aforo.",
        "Parameters": {
            "PolicyName": {
                "Type": "String",
                "Default": "AforoDeletionGuard",
                "AllowedPattern": "^[A-Za-z0-9+=,.@_-]{1,128}$",
                "Description": "Name of the policy to create.",
            }
        },
        "Resources": {"DeletionGuard": _policy()},
        "Outputs": {
            "PolicyArn": {
                "Description": "Attach this to the users, groups and roles that are not to delete what is sold",
                "Value": {"Ref": "DeletionGuard"},
            }
        },
    }
    text = yaml.safe_dump(template, sort_keys=False, width=110)
    return Document("aforo-deletion-guard.yaml", "application/yaml", text)


def _policy() -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "ManagedPolicyName": {"Ref": "PolicyName"},
            "Description": "Keeps APIs that are sold through Aforo from being deleted or overwritten",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    *(_denied(f"No{method.title()}OfWhatIsSold", method, paths) for method, paths in _GUARDED.items()),
                    _tag_stays(),
                ],
            },
        },
    }


def _denied(sid: str, method: str, paths: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": [f"apigateway:{method}"],
        "Resource": [{"Fn::Sub": f"arn:${{AWS::Partition}}:apigateway:*::{path}"} for path in paths],
        "Condition": {"Null": {f"aws:ResourceTag/{MONETIZED}": "false"}},
    }


def _tag_stays() -> dict[str, Any]:
    """Whoever could take the tag could delete right after."""
    return {
        "Sid": "TheTagStays",
        "Effect": "Deny",
        "Action": ["apigateway:POST", "apigateway:PUT", "apigateway:DELETE"],
        "Resource": [{"Fn::Sub": "arn:${AWS::Partition}:apigateway:*::/tags/*"}],
        "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": [MONETIZED]}},
    }
