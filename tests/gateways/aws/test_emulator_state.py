"""What survives a restart, what a seed plants, what importing costs, and where moto answers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.aws import emulator
from aforo.gateways.aws.emulator.seeds import EXTERNAL_ID, ROLE_ARN
from tests.gateways.aws.served_emulator import Account, serving


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    app = emulator.create(StateFile())
    emulator.seed(app)
    with serving(app) as served:
        yield served


def stages(account: Account) -> list[tuple[str, str]]:
    v1, v2 = account.client("apigateway"), account.client("apigatewayv2")
    rest = [
        (a["name"], s["stageName"])
        for a in v1.get_rest_apis()["items"]
        for s in v1.get_stages(restApiId=a["id"])["item"]
    ]
    http = [
        (a["Name"], s["StageName"]) for a in v2.get_apis()["Items"] for s in v2.get_stages(ApiId=a["ApiId"])["Items"]
    ]
    return rest + http


def listing(account: Account) -> Any:
    v1, v2 = account.client("apigateway"), account.client("apigatewayv2")
    answers = [v1.get_rest_apis(), v2.get_apis(), v1.get_usage_plans(), v1.get_api_keys(includeValues=True)]
    return [answer.get("items", answer.get("Items")) for answer in answers]


def test_the_sample_has_twelve_stages_of_rest_and_http_apis(account: Account) -> None:
    found = stages(account)
    assert len(found) == 12
    assert ("TranslationAPI", "dev") in found
    assert ("WeatherAPI", "prod") in found


def test_the_sample_connection_signs_in(account: Account) -> None:
    sign_in, form = emulator.sample_connection(account.url)
    assert sign_in == "access_keys"
    assert form["endpoint_url"] == account.url
    keys = (form["access_key_id"], form["secret_access_key"])
    assert len(account.client("apigateway", keys).get_rest_apis()["items"]) == 7


@pytest.mark.parametrize("size", [0, 1, 5, 30])
def test_a_seed_is_as_large_as_asked_for_and_always_the_same(tmp_path: Path, size: int) -> None:
    files = [tmp_path / name for name in ("a.json", "b.json")]
    for file in files:
        emulator.seed(StateFile(file), size)
    assert files[0].read_bytes() == files[1].read_bytes()
    region = next(iter(json.loads(files[0].read_text())["regions"].values()))
    assert sum(len(api["stages"]) for kind in ("restapis", "httpapis") for api in region[kind].values()) == size


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "aws.json"
    emulator.seed(StateFile(file))
    with serving(emulator.create(StateFile(file))) as before:
        keys = before.session_keys(ROLE_ARN, EXTERNAL_ID)
        iam = before.client("iam")
        role = iam.create_role(RoleName="made-later", AssumeRolePolicyDocument='{"Statement": []}')["Role"]
        iam.list_roles()
        before.client("logs").create_log_group(logGroupName="/aforo/access")
        before.client("apigateway").create_rest_api(name="made-later")
        known = listing(before)
    with serving(emulator.create(StateFile(file))) as after:
        assert listing(after) == known
        found = after.client("iam").get_role(RoleName="made-later")["Role"]
        assert (found["RoleId"], found["Arn"]) == (role["RoleId"], role["Arn"])
        groups = after.client("logs").describe_log_groups()["logGroups"]
        assert [group["logGroupName"] for group in groups] == ["/aforo/access"]
        assert len(after.client("apigateway", keys).get_rest_apis()["items"]) == 8


def test_the_journal_holds_no_signature_no_token_and_no_read(tmp_path: Path) -> None:
    file = tmp_path / "aws.json"
    with serving(emulator.create(StateFile(file))) as account:
        iam = account.client("iam")
        iam.list_roles()
        iam.create_user(UserName="ci")
        with pytest.raises(ClientError):
            iam.create_user(UserName="ci")
    journal = json.loads(file.read_text())["journal"]
    assert len(journal) == 1
    assert journal[0].keys() == {"method", "path", "query", "body", "type", "target", "region", "service"}


def test_a_new_emulator_does_not_see_what_another_in_the_process_left() -> None:
    with serving(emulator.create(StateFile())) as first:
        first.client("iam").create_user(UserName="left-over")
    with serving(emulator.create(StateFile())) as second:
        assert second.client("iam").list_users()["Users"] == []


def test_what_we_do_not_answer_moto_does(account: Account) -> None:
    assert account.client("apigateway").get_vpc_links()["items"] == []
    assert account.client("lambda").list_functions()["Functions"] == []


def test_tagged_objects_are_found_by_their_tags(account: Account) -> None:
    tagging = account.client("resourcegroupstaggingapi")
    mine = tagging.get_resources(ResourceTypeFilters=["apigateway"])["ResourceTagMappingList"]
    assert len(mine) == 10
    one = tagging.get_resources(TagFilters=[{"Key": "team", "Values": ["translations"]}])["ResourceTagMappingList"]
    assert [found["Tags"] for found in one] == [[{"Key": "team", "Value": "translations"}]]
    assert one[0]["ResourceARN"].startswith("arn:aws:apigateway:eu-west-1::/restapis/")
    only = [{"Key": "team", "Values": ["forecasts"]}]
    http = tagging.get_resources(TagFilters=only, ResourceTypeFilters=["apigateway:apis"])["ResourceTagMappingList"]
    assert [found["ResourceARN"].split("/")[1] for found in http] == ["apis"]
    rest = tagging.get_resources(TagFilters=only, ResourceTypeFilters=["apigateway:restapis"])["ResourceTagMappingList"]
    assert rest == []


def test_a_role_may_do_elsewhere_only_what_its_policies_name(account: Account) -> None:
    iam = account.as_role("iam", ROLE_ARN, EXTERNAL_ID)
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.list_roles()


def test_importing_the_package_costs_neither_moto_nor_botocore() -> None:
    code = (
        "import sys; from aforo.gateways.aws import emulator; "
        "print(sorted({'moto', 'botocore', 'boto3', 'flask', 'yaml', 'a2wsgi'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
