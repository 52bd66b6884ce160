"""The functions as a CloudFormation template, for accounts in which Aforo's role may not create functions.

Attaching stays Aforo's part: the function names, the alias `live` and the log group are those that it looks for, when
the parameter Suffix is the integration's id.
"""

from typing import Any, Final

from aforo.gateway_sdk.contract import Document
from aforo.gateways.aws.artifact.forwarding import RETENTION_DAYS
from aforo.gateways.aws.artifact.names import LIVE, RUNTIME, TEMPLATES, version

Block = dict[str, Any]
_SETTINGS: Final = {
    "AFORO_EDGE_URL": "EdgeUrl",
    "AFORO_API_KEY": "ApiKey",
    "AFORO_INTEGRATION_ID": "Suffix",
    "AFORO_PRODUCTS": "Products",
    "AFORO_KEY_FROM": "KeyFrom",
    "AFORO_ENFORCE": "Enforce",
    "AFORO_FAIL_MODE": "FailMode",
}


def stack(edge_url: str) -> Document:
    """A template that needs CAPABILITY_IAM."""
    import yaml

    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Aforo's authorizer and access-log forwarder for API Gateway.",
        "Parameters": _parameters(edge_url),
        "Resources": {
            **_authorizer(),
            **_forwarder(),
            **_way(),
        },
        "Outputs": {
            "AuthorizerArn": {"Description": "What API Gateway calls", "Value": {"Ref": "AuthorizerLive"}},
            "LogGroupArn": {"Description": "Where access logs go", "Value": {"Fn::GetAtt": ["AccessLog", "Arn"]}},
        },
    }
    return Document("aforo-functions.yaml", "application/yaml", yaml.safe_dump(template, sort_keys=False, width=110))


def _parameters(edge_url: str) -> Block:
    return {
        "EdgeUrl": _text("Aforo's edge, as these functions reach it", edge_url, "^https?://[^/]+$"),
        "ApiKey": {"Type": "String", "NoEcho": True, "Description": "A key with usage:ingest, entitlements:check"},
        "Suffix": _text("The integration's id in Aforo", None, "^[A-Za-z0-9_-]{1,40}$"),
        "Products": _text('{"<api id>/<stage>":["prod_…","api_calls"]}', "{}", None),
        "KeyFrom": _text("Where the caller's key is looked for", "bearer,header:x-api-key,query:apikey", None),
        "Enforce": {**_text("Refuse, or only observe", "false", None), "AllowedValues": ["true", "false"]},
        "FailMode": {**_text("While Aforo cannot be reached", "open", None), "AllowedValues": ["open", "closed"]},
    }


def _authorizer() -> Block:
    callers = _sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/authorizers/*")
    return {
        "AuthorizerRole": _role("authorizer", []),
        **_function("Authorizer", "authorizer", 10),
        "AuthorizerPermission": _permission("Authorizer", "apigateway.amazonaws.com", callers),
    }


def _forwarder() -> Block:
    send = _statement(["sqs:SendMessage"], {"Fn::GetAtt": ["Undelivered", "Arn"]})
    return {
        "ForwarderRole": _role("forwarder", [send]),
        **_function("Forwarder", "forwarder", 60),
        "ForwarderPermission": _permission("Forwarder", "logs.amazonaws.com", {"Fn::GetAtt": ["AccessLog", "Arn"]}),
        "ForwarderRetries": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Forwarder"},
                "Qualifier": LIVE,
                "MaximumRetryAttempts": 2,
                "MaximumEventAgeInSeconds": 21600,
                "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Undelivered", "Arn"]}}},
            },
            "DependsOn": "ForwarderLive",
        },
    }


def _way() -> Block:
    return {
        "AccessLog": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": _sub("/aforo/${Suffix}"), "RetentionInDays": RETENTION_DAYS},
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
        },
        "Subscription": {
            "Type": "AWS::Logs::SubscriptionFilter",
            "Properties": {
                "LogGroupName": {"Ref": "AccessLog"},
                "FilterName": _sub("aforo-${Suffix}"),
                "FilterPattern": "",
                "DestinationArn": {"Ref": "ForwarderLive"},
            },
            "DependsOn": "ForwarderPermission",
        },
        "Undelivered": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": _sub("aforo-undelivered-${Suffix}"),
                "MessageRetentionPeriod": 1209600,
                "SqsManagedSseEnabled": True,
            },
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
        },
    }


def _function(name: str, kind: str, seconds: int) -> Block:
    return {
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": _sub(f"aforo-{kind}-${{Suffix}}"),
                "Description": version(),
                "Runtime": RUNTIME,
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": [f"{name}Role", "Arn"]},
                "Timeout": seconds,
                "MemorySize": 256,
                "Code": {"ZipFile": (TEMPLATES / f"{kind}.py").read_text()},
                "Environment": {"Variables": {member: {"Ref": given} for member, given in _SETTINGS.items()}},
            },
        },
        f"{name}Version": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": name}, "Description": version()},
        },
        f"{name}Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": name},
                "FunctionVersion": {"Fn::GetAtt": [f"{name}Version", "Version"]},
                "Name": LIVE,
            },
        },
    }


def _role(kind: str, more: list[Block]) -> Block:
    logs = _sub(
        f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:/aws/lambda/aforo-{kind}-*"
    )
    own = _statement(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], logs)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"PolicyName": "Own", "PolicyDocument": {"Version": "2012-10-17", "Statement": [own, *more]}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [policy],
        },
    }


def _permission(name: str, service: str, source: Any) -> Block:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": f"{name}Live"},
            "Action": "lambda:InvokeFunction",
            "Principal": service,
            "SourceArn": source,
        },
    }


def _statement(actions: list[str], resource: Any) -> Block:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _text(description: str, default: str | None, pattern: str | None) -> Block:
    found: Block = {"Type": "String", "Description": description}
    if default is not None:
        found["Default"] = default
    if pattern is not None:
        found["AllowedPattern"] = pattern
    return found


def _sub(text: str) -> Block:
    return {"Fn::Sub": text}
