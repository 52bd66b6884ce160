"""Generated APIs: an unchanged one shows no change however AWS writes it, and one edit shows as one change."""

import json
import random
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Product
from aforo.gateways.aws.mapping.document import assemble, completed, split
from aforo.gateways.aws.mapping.overlay import differing
from aforo.gateways.aws.mapping.products import Seen, Where, product
from aforo.gateways.aws.mapping.rules import DOCUMENT, canonical_form
from aforo.gateways.aws.mapping.rules.own import Own
from aforo.gateways.aws.mapping.trees import with_own_id
from aforo.kit.jsontree import ABSENT, Json, at, escape, leaves, same

OLD, NEW = Where("rest", "a1b2c3d4e5", "prod"), Where("rest", "z9y8x7w6v5", "prod")

words = st.text("abcdefghijk-", min_size=1, max_size=8).map(lambda text: f"w{text}")
urls = words.map(lambda word: f"https://{word}.example/v1")
scalars = st.one_of(words, st.booleans(), st.integers(0, 29000))
schemas = st.fixed_dictionaries(
    {"type": st.just("object")},
    optional={
        "required": st.lists(words, min_size=1, max_size=3, unique=True),
        "properties": st.dictionaries(words, st.fixed_dictionaries({"type": st.sampled_from(["string", "integer"])})),
    },
)
integrations = st.fixed_dictionaries(
    {"type": st.sampled_from(["http", "aws_proxy", "mock"]), "uri": urls, "httpMethod": st.just("POST")},
    optional={
        "timeoutInMillis": st.integers(50, 29000),
        "passthroughBehavior": st.sampled_from(["when_no_match", "never"]),
        "requestParameters": st.dictionaries(words, words, min_size=1, max_size=2),
        "credentials": st.just(f"arn:aws:execute-api:us-east-1:111122223333:{OLD.api_id}/prod/GET/x"),
    },
)
parameters = st.lists(
    st.fixed_dictionaries({"name": words, "in": st.sampled_from(["query", "header"]), "schema": schemas}),
    max_size=3,
    unique_by=lambda parameter: (parameter["in"], parameter["name"]),
)
operations = st.fixed_dictionaries(
    {"responses": st.just({"200": {"description": "200 response", "content": {}}})},
    optional={
        "x-amazon-apigateway-integration": integrations,
        "x-amazon-apigateway-auth": st.just({"type": "NONE"}),
        "parameters": parameters,
        "tags": st.lists(words, min_size=1, max_size=3, unique=True),
        "security": st.just([{"api_key": []}]),
        "operationId": words,
    },
)
paths = st.dictionaries(
    words.map(lambda word: f"/{word}"),
    st.dictionaries(
        st.sampled_from(["get", "post", "x-amazon-apigateway-any-method"]), operations, min_size=1, max_size=2
    ),
    max_size=4,
)
documents = st.fixed_dictionaries(
    {"openapi": st.just("3.0.1"), "paths": paths},
    optional={
        "info": st.fixed_dictionaries({"version": st.sampled_from(["1.0", "2.3.1"])}),
        "components": st.fixed_dictionaries({"schemas": st.dictionaries(words, schemas, max_size=2)}),
        "x-amazon-apigateway-gateway-responses": st.dictionaries(words, st.just({"statusCode": 403}), max_size=1),
    },
)
apis = st.fixed_dictionaries(
    {"name": words},
    optional={
        "description": words,
        "apiKeySource": st.sampled_from(["HEADER", "AUTHORIZER"]),
        "binaryMediaTypes": st.lists(words, max_size=3, unique=True),
        "minimumCompressionSize": st.integers(0, 1000),
        "disableExecuteApiEndpoint": st.booleans(),
        "endpointConfiguration": st.just({"types": ["REGIONAL"]}),
        "policy": st.just(json.dumps({"Statement": [{"Resource": f"arn:aws:execute-api:us-east-1:1:{OLD.api_id}/*"}]})),
        "tags": st.dictionaries(words, words, max_size=2),
    },
)
stages = st.fixed_dictionaries(
    {"stageName": st.just("prod")},
    optional={
        "description": words,
        "variables": st.dictionaries(words, words, max_size=2),
        "tracingEnabled": st.booleans(),
        "methodSettings": st.dictionaries(
            st.sampled_from(["*/*", "~1pay/GET"]),
            st.fixed_dictionaries({"metricsEnabled": st.booleans(), "throttlingRateLimit": st.floats(1, 99)}),
            max_size=2,
        ),
    },
)
plans = st.lists(
    st.fixed_dictionaries(
        {"name": words, "id": words},
        optional={
            "throttle": st.fixed_dictionaries({"rateLimit": st.floats(1, 99), "burstLimit": st.integers(1, 9)}),
            "quota": st.fixed_dictionaries(
                {"limit": st.integers(1, 99), "offset": st.just(0), "period": st.just("DAY")}
            ),
            "tags": st.dictionaries(words, words, max_size=1),
        },
    ),
    max_size=2,
    unique_by=lambda plan: plan["name"],
)


class Api:
    """A generated API, and how AWS tells of it: under an id, with stamps, and in an order of its own."""

    def __init__(self, document: dict[str, Any], api: dict[str, Any], stage: dict[str, Any], plans: list[Any]) -> None:
        self.document, self.api, self.stage, self.plans = document, api, stage, plans

    def seen(self, where: Where, seed: int) -> Product:
        chance = random.Random(seed)
        told = _renamed(self, where.api_id)
        document = completed(told.document, told.api, f"2026-11-22T12:00:{seed % 60:02}Z")
        document["servers"] = [{"url": f"https://{where.api_id}.execute-api.us-east-1.amazonaws.com/prod"}]
        covering = {"apiId": where.api_id, "stage": "prod"}
        return product(
            Seen(
                where,
                _shuffled({**told.api, "id": where.api_id, "createdDate": seed}, chance),
                _shuffled({**told.stage, "deploymentId": f"d{seed}"}, chance),
            ),
            "ref",
            _shuffled(document, chance),
            [{**plan, "apiStages": [covering]} for plan in _shuffled(told.plans, chance)],
        )


whole_apis = st.builds(Api, documents, apis, stages, plans)


def _renamed(api: Api, api_id: str) -> Api:
    def renamed(value: Any) -> Any:
        return json.loads(json.dumps(value).replace(OLD.api_id, api_id))

    return Api(renamed(api.document), renamed(api.api), renamed(api.stage), renamed(api.plans))


def _shuffled(value: Any, chance: random.Random, name: str = "") -> Any:
    """The same value as AWS may write it next time: members, and lists that are sets, in another order."""
    if isinstance(value, Mapping):
        names = chance.sample(sorted(value), len(value))
        return {name: _shuffled(value[name], chance, name) for name in names}
    if isinstance(value, list):
        told = [_shuffled(member, chance) for member in value]
        return (
            chance.sample(told, len(told)) if name in {"parameters", "required", "tags", "binaryMediaTypes"} else told
        )
    return value


def _wishes(product: Product) -> list[tuple[str, str, dict[str, Json]]]:
    return [(entity.kind, entity.key, entity.wished()) for entity in product.entities]


def _leaf_changes(before: Product, after: Product) -> list[str]:
    found = []
    for entity in before.entities:
        twin = after.entity(entity.kind, entity.key)
        assert twin is not None
        found += [f"{entity.kind}{pointer}" for pointer, _, _ in differing(entity.fields, twin.fields)]
    return found


@settings(max_examples=50, deadline=None)
@given(whole_apis, st.integers(0, 999))
def test_an_unchanged_api_shows_no_change_however_it_is_written(api: Api, seed: int) -> None:
    assert same(_wishes(api.seen(OLD, seed)), _wishes(api.seen(OLD, seed + 1)))


@settings(max_examples=50, deadline=None)
@given(whole_apis, st.integers(0, 999))
def test_an_api_re_created_under_a_new_id_has_equal_wishes(api: Api, seed: int) -> None:
    assert same(_wishes(api.seen(OLD, seed)), _wishes(api.seen(NEW, seed + 1)))


@settings(max_examples=50, deadline=None)
@given(documents)
def test_every_leaf_of_a_document_is_in_exactly_one_half(document: dict[str, Any]) -> None:
    contract, extensions = split(document)
    told = [pointer for pointer, _ in leaves(contract)]
    told += [place + pointer for place, value in extensions.items() for pointer, _ in leaves(value)]
    assert len(told) == len(set(told))
    wanted = {pointer for pointer, value in leaves(document) if value != {}}
    assert wanted <= set(told)
    assert same(assemble(contract, extensions), document)


@settings(max_examples=50, deadline=None)
@given(documents, st.integers(0, 999))
def test_export_import_export_is_no_change(document: dict[str, Any], seed: int) -> None:
    own, api = Own(OLD.api_id, OLD.stage), {"name": "Pay"}
    first = canonical_form(DOCUMENT, completed(document, api, "2026-11-22T12:00:00Z"), own)
    imported = completed(assemble(*split(first)), api, "2026-11-23T12:00:00Z")
    there = with_own_id(_shuffled(imported, random.Random(seed)), NEW.api_id)
    assert isinstance(there, dict)
    second = canonical_form(DOCUMENT, there, Own(NEW.api_id, NEW.stage))
    assert same(first, second)


@settings(max_examples=60, deadline=None)
@given(whole_apis, st.data())
def test_each_single_edit_changes_exactly_one_leaf(api: Api, data: st.DataObject) -> None:
    """Any scalar of the document, the API, the stage or a plan that a person can set, edited alone."""
    part = data.draw(st.sampled_from(["document", "api", "stage", "plans"]))
    tree = {"": json.loads(json.dumps(getattr(api, part)))}
    editable = [pointer for pointer, value in _scalars(tree) if _is_editable(part, pointer)]
    if not editable:
        return
    pointer = data.draw(st.sampled_from(editable))
    edited = _edited(tree, pointer, at(tree, pointer))
    after = Api(
        **{name: edited if name == part else getattr(api, name) for name in ("document", "api", "stage", "plans")}
    )
    assert len(_leaf_changes(api.seen(OLD, 1), after.seen(OLD, 2))) == 1


def _scalars(value: Any, pointer: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [row for name in value for row in _scalars(value[name], f"{pointer}/{escape(name)}")]
    if isinstance(value, list) and all(isinstance(member, Mapping) for member in value):
        return [row for index, member in enumerate(value) for row in _scalars(member, f"{pointer}/{index}")]
    return [] if isinstance(value, list) else [(pointer, value)]


def _is_editable(part: str, pointer: str) -> bool:
    """Not what AWS itself sets, nor what would make another object of it: names that pair, ids, the dialect."""
    last = pointer.rsplit("/", 1)[-1]
    if part == "plans":
        return last not in {"id", "name"}
    return last not in {"openapi", "stageName", "policy"}


def _edited(tree: dict[str, Any], pointer: str, value: Any) -> Any:
    edit = (
        (not value) if isinstance(value, bool) else value + 1 if isinstance(value, int | float) else f"{value}-edited"
    )
    if at(tree, pointer) is ABSENT:
        raise AssertionError(pointer)
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    here: Any = tree
    for name in way:
        here = here[int(name)] if isinstance(here, list) else here[name]
    here[last] = edit
    return tree[""]
