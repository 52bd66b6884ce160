"""The emulated request path runs any Lambda authorizer: here a TOKEN one that has nothing to do with Aforo's."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from aforo.gateways.aws.emulator import REGION
from aforo.gateways.aws.emulator.calling import policies
from aforo.gateways.aws.emulator.calling.policies import Judged, Malformed
from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT
from aforo.gateways.aws.emulator.seeds import FUNCTION_ROLE_ARN
from tests.gateways.aws.emulated_account import BASE, Account, patch

CODE = """
import json

def check(event, context):
    assert event["type"] == "TOKEN" and context.get_remaining_time_in_millis() > 0
    token = event["authorizationToken"]
    if token == "Bearer none":
        raise Exception("Unauthorized")
    if token == "Bearer broken":
        raise ValueError("something else")
    if token == "Bearer odd":
        return {"principalId": "odd", "policyDocument": {"Statement": [{"Effect": "Maybe"}]}}
    if token == "Bearer nested":
        return {"principalId": "odd", "policyDocument": policy("Allow", "*"), "context": {"list": []}}
    api = event["methodArn"].split("/")[0]
    allowed = {"Bearer all": [("Allow", "*")], "Bearer one": [("Allow", f"{api}/prod/GET/addresses")],
               "Bearer not-places": [("Allow", f"{api}/*"), ("Deny", f"{api}/prod/*/places")]}.get(token, [])
    statements = [one for effect, resource in allowed for one in policy(effect, resource)["Statement"]]
    denied = policy("Deny", "arn:aws:execute-api:*:*:nothing/*")["Statement"]
    policies = {"Statement": statements or denied}
    return {"principalId": "p", "policyDocument": policies, "context": {"who": token, "n": 3}}

def policy(effect, resource):
    return {"Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}]}
"""
FUNCTION = f"arn:aws:lambda:{REGION}:{CUSTOMER_ACCOUNT}:function:gatekeeper"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
LOG = f"arn:aws:logs:{REGION}:{CUSTOMER_ACCOUNT}:log-group:calls"


@dataclass
class Guarded:
    """GeocodingAPI/prod, whose GET methods ask the function `gatekeeper`."""

    account: Account
    api_id: str
    authorizer_id: str

    async def call(self, token: str | None, path: str = "/addresses") -> httpx2.Response:
        headers = {"authorization": token} if token else {}
        key = next(iter(self.account.app.region(CUSTOMER_ACCOUNT, REGION).kind("apikeys").values()))["value"]
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.account.app)) as http:
            url = f"{BASE}/proxy/{self.api_id}/prod{path}"
            return await http.get(url, headers={"x-api-key": key, **headers})

    async def deploy(self) -> None:
        asked = {"restApiId": self.api_id, "stageName": "prod"}
        await self.account.admin.call("apigateway", "CreateDeployment", asked)

    def asked(self) -> int:
        return self.account.app.request_path.functions.invocations.get("gatekeeper", 0)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.account.app.request_path.logs.lines["calls"]]


async def guarded(account: Account, **authorizer: Any) -> Guarded:
    admin = account.admin
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("gate.py", CODE)
    function = {"FunctionName": "gatekeeper", "Runtime": "python3.12", "Role": FUNCTION_ROLE_ARN,
                "Handler": "gate.check", "Code": {"ZipFile": packed.getvalue()}}  # fmt: skip
    await admin.call("lambda", "CreateFunction", function)
    api_id = next(one["id"] for one in await admin.every("apigateway", "GetRestApis") if one["name"] == "GeocodingAPI")
    told = {"restApiId": api_id, "name": "gate", "type": "TOKEN", "authorizerUri": URI, **authorizer}
    authorizer_id = (await admin.call("apigateway", "CreateAuthorizer", told))["id"]
    for resource in await admin.every("apigateway", "GetResources", {"restApiId": api_id}):
        if "GET" in resource.get("resourceMethods", {}):
            operations = [
                patch("replace", "/authorizationType", "CUSTOM"),
                patch("replace", "/authorizerId", authorizer_id),
                patch("replace", "/apiKeyRequired", "false"),
            ]
            method = {"restApiId": api_id, "resourceId": resource["id"], "httpMethod": "GET"}
            await admin.call("apigateway", "UpdateMethod", {**method, "patchOperations": operations})
    await admin.call("logs", "CreateLogGroup", {"logGroupName": "calls"})
    form = '{"who":"$context.authorizer.who","n":"$context.authorizer.n","why":"$context.error.responseType"}'
    stage = {"restApiId": api_id, "stageName": "prod"}
    log = [
        patch("replace", "/accessLogSettings/destinationArn", LOG),
        patch("replace", "/accessLogSettings/format", form),
    ]
    await admin.call("apigateway", "UpdateStage", {**stage, "patchOperations": log})
    found = Guarded(account, api_id, authorizer_id)
    await found.deploy()
    return found


async def permit(account: Account, source: str) -> None:
    statement = {"FunctionName": "gatekeeper", "StatementId": "s", "Action": "lambda:InvokeFunction",
                 "Principal": "apigateway.amazonaws.com", "SourceArn": source}  # fmt: skip
    await account.admin.call("lambda", "AddPermission", statement)


async def test_a_token_authorizer_is_asked_as_aws_asks_it_and_its_policy_is_judged_for_each_method(
    account: Account,
) -> None:
    gate = await guarded(account, authorizerResultTtlInSeconds=0)
    assert (await gate.call("Bearer all")).status_code == 500  # the function lets API Gateway in for nothing yet
    await permit(account, f"arn:aws:execute-api:{REGION}:{CUSTOMER_ACCOUNT}:{gate.api_id}/authorizers/*")
    statuses = {
        "Bearer all": [200, 200], "Bearer one": [200, 403], "Bearer not-places": [200, 403], "Bearer x": [403, 403],
        "Bearer none": [401, 401], "Bearer broken": [500, 500], "Bearer odd": [500, 500], "Bearer nested": [500, 500],
    }  # fmt: skip
    found = {
        token: [(await gate.call(token, path)).status_code for path in ("/addresses", "/places")] for token in statuses
    }
    assert found == statuses
    asked = gate.asked()
    assert (await gate.call(None)).status_code == 401
    assert gate.asked() == asked  # without an identity source nobody is asked
    explicit = await gate.call("Bearer not-places", "/places")
    assert explicit.json()["message"].endswith("with an explicit deny")
    assert gate.lines()[-1] == {"who": "Bearer not-places", "n": "3", "why": "ACCESS_DENIED"}
    assert {"who": "Bearer all", "n": "3", "why": "-"} in gate.lines()


async def test_an_answer_is_remembered_by_identity_source_for_its_ttl_and_judged_anew_for_each_method(
    account: Account,
) -> None:
    gate = await guarded(account, authorizerResultTtlInSeconds=300, identityValidationExpression="Bearer [a-z]+")
    await permit(account, "arn:aws:execute-api:*")
    assert [(await gate.call("Bearer one", path)).status_code for path in ("/addresses", "/places")] == [200, 403]
    assert gate.asked() == 1
    await gate.call("Bearer all")
    assert gate.asked() == 2
    assert (await gate.call("bearer of bad tidings")).status_code == 401  # not of the form that is asked for
    assert gate.asked() == 2


async def test_refusals_are_worded_by_the_apis_own_gateway_responses_once_they_are_deployed(account: Account) -> None:
    gate = await guarded(account, authorizerResultTtlInSeconds=0)
    await permit(account, "arn:aws:execute-api:*")
    told = {
        "restApiId": gate.api_id, "responseType": "ACCESS_DENIED", "statusCode": "418",
        "responseParameters": {"gatewayresponse.header.X-Who": "context.authorizer.who",
                               "gatewayresponse.header.X-Fixed": "'yes'"},
        "responseTemplates": {"application/json": '{"m":$context.error.messageString,"n":$context.authorizer.n}'},
    }  # fmt: skip
    await account.admin.call("apigateway", "PutGatewayResponse", told)
    assert (await gate.call("Bearer x")).status_code == 403
    await gate.deploy()
    answer = await gate.call("Bearer x")
    assert (answer.status_code, answer.headers["x-who"], answer.headers["x-fixed"]) == (418, "Bearer x", "yes")
    assert answer.json() == {"m": "User is not authorized to access this resource", "n": 3}


def statement(effect: str, resource: Any, action: Any = "execute-api:Invoke", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


ARN = "arn:aws:execute-api:eu-west-1:1:abc/prod/GET/pets/7"


@pytest.mark.parametrize(
    ("statements", "judged"),
    [
        ([statement("Allow", "*")], Judged.ALLOWED),
        ([statement("Allow", "arn:aws:execute-api:*:*:abc/prod/GET/*", "execute-api:*")], Judged.ALLOWED),
        ([statement("Allow", ["x", ARN], ["other:Thing", "*"])], Judged.ALLOWED),
        ([statement("Allow", "arn:aws:execute-api:*:*:abc/prod/POST/*")], Judged.DENIED),
        ([statement("Allow", "*", "lambda:InvokeFunction")], Judged.DENIED),
        ([statement("Allow", "*"), statement("Deny", "*/pets/?")], Judged.EXPLICITLY_DENIED),
        ([statement("Allow", "*"), statement("Deny", "*/pets/[0-9]")], Judged.ALLOWED),
    ],
)
def test_wildcards_match_an_explicit_deny_wins_and_what_no_statement_allows_is_denied(
    statements: list[dict[str, Any]], judged: Judged
) -> None:
    read = policies.read({"principalId": "p", "policyDocument": {"Statement": statements}})
    assert policies.judge(read, ARN) is judged


@pytest.mark.parametrize(
    "answer",
    [
        None, "Allow", {}, {"principalId": "p"},
        {"principalId": 1, "policyDocument": {"Statement": [statement("Allow", "*")]}},
        {"principalId": "p", "policyDocument": {"Statement": []}},
        {"principalId": "p", "policyDocument": {"Statement": [statement("allow", "*")]}},
        {"principalId": "p", "policyDocument": {"Statement": [statement("Allow", None)]}},
        {"principalId": "p", "policyDocument": {"Statement": [statement("Allow", "*", Condition={})]}},
        {"principalId": "p", "policyDocument": {"Statement": [statement("Allow", "*")]}, "context": {"a": {"b": 1}}},
    ],
)  # fmt: skip
def test_what_is_no_policy_lets_nobody_in(answer: object) -> None:
    with pytest.raises(Malformed):
        policies.read(answer)
