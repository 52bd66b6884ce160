"""POST /v1/check over the real edge: every reason, and what an answer carries."""

from pathlib import Path
from typing import Any

import pytest

from aforo.kit.clock import HandClock
from tests.enforcement.parts import BOUND_KEY, HARD_100, KEY, OTHER_KEY, TEST_KEY, Shop, edge


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_an_allowed_call_says_what_remains_and_counts(shop: Shop) -> None:
    product = shop.product()
    customer, subscription = shop.customer_on(shop.plan(product, key="pro"), "acme")
    async with edge(shop.folder) as running:
        first = await running.check("acme", product=product)
        assert first.pop("decisionId").startswith("dec_")
        assert first == {
            "allowed": True, "reason": "ok", "plan": "pro", "customerId": customer,
            "subscriptionId": subscription, "quotaMode": "HARD", "remaining": 99,
            "resetAt": "2026-12-01T00:00:00.000Z", "margin": "NONE", "enforcement": "enforce",
            "headers": {"X-Aforo-Remaining": "99", "X-Aforo-Plan": "pro"},
        }  # fmt: skip
        assert (await running.check(customer, units="9.5", product=product))["remaining"] == 89.5
        assert (await running.check(customer, units=0))["remaining"] == 89.5


def refusal(answer: dict[str, Any]) -> tuple[Any, ...]:
    return answer["allowed"], answer["reason"], answer.get("status"), "wouldDeny" in answer


async def test_every_reason_of_status_and_scope_is_reached(shop: Shop) -> None:
    sold, other = shop.product(), shop.product()
    plan = shop.plan(sold, features={"bulk": True})
    customer, subscription = shop.customer_on(plan)
    suspended, paused_subscription = shop.customer_on(plan)
    shop.set_status(paused_subscription, "SUSPENDED")
    later = shop.customer()
    shop.subscription(later, plan, status="PENDING", starts_at="2027-01-01T00:00:00.000Z")
    shop.credential("good", subscription)
    shop.credential("gone", subscription, "REVOKED")
    shop.credential("held", subscription, "SUSPENDED")
    shop.credential("grace", subscription, "GRACE")
    shop.credential("a1b2", subscription, type_="key_sha256", integration_id="")

    def of(native_id: str) -> dict[str, Any]:
        return {"credential": {"integrationId": "int_1", "type": "consumer", "nativeId": native_id}}

    async with edge(shop.folder) as running:
        for asked, reason, status in (
            ({"customerId": "nobody"}, "no_subscription", 403),
            ({"customerId": later}, "no_subscription", 403),
            (of("unknown"), "no_subscription", 403),
            ({"customerId": suspended}, "subscription_suspended", 403),
            (of("held"), "subscription_suspended", 403),
            (of("gone"), "credential_revoked", 401),
            (of("good") | {"product": other}, "product_not_in_plan", 403),
            ({"customerId": customer, "product": other}, "product_not_in_plan", 403),
            ({"customerId": customer, "feature": "gold"}, "feature_not_in_plan", 403),
            ({"customerId": customer, "feature": "bulk"}, "ok", None),
            (of("good"), "ok", None),
            (of("grace"), "ok", None),
            ({"credential": {"nativeId": "good"}}, "ok", None),
            ({"credential": {"integrationId": "int_9", "type": "key_sha256", "nativeId": "a1b2"}}, "ok", None),
        ):
            answer = await running.post("/v1/check", {"product": sold} | asked)
            assert refusal(answer) == (reason == "ok", reason, status, False), asked


async def test_a_hard_quota_ends_a_soft_one_only_counts_and_a_zero_asks(shop: Shop) -> None:
    product = shop.product()
    hard, _ = shop.customer_on(shop.plan(product, quotas=[HARD_100 | {"units": "10"}]))
    soft, _ = shop.customer_on(shop.plan(product, quotas=[HARD_100 | {"units": "10", "mode": "SOFT"}]))
    async with edge(shop.folder) as running:
        assert (await running.check(hard, units=8))["headers"]["X-RateLimit-Warning"] == "approaching-limit"
        refused = await running.check(hard, units=3)
        assert refusal(refused) == (False, "quota_exceeded", 429, False)
        assert refused["remaining"] == 2
        assert refused["retryAfterSeconds"] == int(refused["headers"]["Retry-After"]) == 734_400
        assert (await running.check(hard, units=0))["allowed"]
        assert (await running.check(hard, units=2))["remaining"] == 0
        assert not (await running.check(hard, units=0))["allowed"]
        for _ in range(2):
            assert (await running.check(soft, units=8))["allowed"]
        assert await running.used(soft) == 16


async def test_a_check_counts_against_every_quota_and_shows_the_tightest(shop: Shop) -> None:
    quotas = [HARD_100, HARD_100 | {"units": "5", "period": "hour"}]
    customer, _ = shop.customer_on(shop.plan(shop.product(), quotas=quotas))
    clock = HandClock()
    async with edge(shop.folder, clock) as running:
        first = await running.check(customer, units=5)
        assert (first["remaining"], first["resetAt"]) == (0, "2026-11-22T13:00:00.000Z")
        assert (await running.check(customer))["reason"] == "quota_exceeded"
        clock.forward(3600)
        assert (await running.check(customer, units=5))["allowed"]
        assert (await running.check(customer, units=0))["reason"] == "quota_exceeded"


async def test_the_mode_told_is_that_of_the_tightest_quota_and_null_where_nothing_limits(shop: Shop) -> None:
    product = shop.product()
    soft = HARD_100 | {"units": "10", "mode": "SOFT", "period": "day"}
    two, _ = shop.customer_on(shop.plan(product, quotas=[HARD_100, soft]))
    free, _ = shop.customer_on(shop.plan(product, quotas=[]))
    async with edge(shop.folder) as running:
        assert (await running.check(two))["quotaMode"] == "SOFT"
        refused = await running.check(two, units=200)
        assert (refused["reason"], refused["quotaMode"]) == ("quota_exceeded", "HARD")
        assert (await running.check(free))["quotaMode"] is None
        stranger = await running.check("nobody", product=product)
        assert (stranger["subscriptionId"], stranger["quotaMode"]) == (None, None)


async def test_a_rate_limit_refuses_what_comes_too_fast_and_says_how_long(shop: Shop) -> None:
    limits = [{"metric": "api_calls", "perSeconds": 10, "units": "20", "burst": "4"}]
    customer, _ = shop.customer_on(shop.plan(shop.product(), rateLimits=limits))
    clock = HandClock()
    async with edge(shop.folder, clock) as running:
        assert (await running.check(customer, units=4))["allowed"]
        refused = await running.check(customer, units=2)
        assert refusal(refused) == (False, "rate_limited", 429, False)
        assert refused["retryAfterSeconds"] == 1
        assert refused["remaining"] == 96
        clock.forward(1)
        assert (await running.check(customer, units=2))["allowed"]


async def test_a_spend_cap_ends_what_the_period_may_cost(shop: Shop) -> None:
    card = [
        {"metric": "api_calls", "model": "graduated", "tiers": [
            {"upTo": "10", "unitPrice": "0.5"}, {"upTo": None, "unitPrice": "0.1"}]},
        {"metric": "tokens", "model": "per_unit", "unitPrice": "1"},
        {"model": "flat", "amount": "2"},
    ]  # fmt: skip
    cap = {"amount": "8.1", "period": "month", "anchorDay": 1, "timeZone": "UTC"}
    customer, _ = shop.customer_on(shop.plan(shop.product(), rateCard=card, spendCap=cap))
    async with edge(shop.folder) as running:
        assert (await running.check(customer, units=10))["allowed"]  # 2 + 5
        assert (await running.check(customer, metric="tokens"))["allowed"]  # + 1
        assert (await running.check(customer))["allowed"]  # + 0.1
        assert refusal(await running.check(customer)) == (False, "spend_cap", 402, False)
        assert refusal(await running.check(customer, metric="tokens")) == (False, "spend_cap", 402, False)


async def test_margin_floors_alert_throttle_an_exact_share_and_block(shop: Shop) -> None:
    card = [{"metric": "api_calls", "model": "per_unit", "unitPrice": "1"}]
    quotas = [HARD_100 | {"units": "1000"}]
    plan = shop.plan(shop.product(), key="pro", rateCard=card, quotas=quotas)
    shop.cost("0.75")
    low, _ = shop.customer_on(plan)
    slow, _ = shop.customer_on(plan)
    stopped, _ = shop.customer_on(plan)
    watched, _ = shop.customer_on(plan)
    free, _ = shop.customer_on(shop.plan(shop.product(), key="free", quotas=quotas))
    shop.guard("CUSTOMER", low, l1="0.30", l2="0.20", l3="0.10")
    shop.guard("CUSTOMER", slow, throttle=30, l2="0.26")
    shop.guard("CUSTOMER", stopped, l3="0.26")
    shop.guard("CUSTOMER", watched, mode="observe", l3="0.26")
    shop.guard("CUSTOMER", free, l3="0.99")
    async with edge(shop.folder) as running:
        answer = await running.check(low)
        assert (answer["allowed"], answer["margin"]) == (True, "L1_ALERT")
        assert answer["headers"]["X-Margin-Guard-Warning"] == "margin-low"
        passed = [(await running.check(slow))["allowed"] for _ in range(100)]
        assert sum(passed) == 30
        refused = await running.check(slow)
        assert (refused["reason"], refused["headers"]["Retry-After"]) == ("margin_throttled", "60")
        blocked = await running.check(stopped)
        assert refusal(blocked) == (False, "margin_blocked", 429, False)
        assert blocked["headers"]["X-Margin-Guard"] == "blocked"
        assert blocked["headers"]["X-Margin-Guard-Level"] == "L3"
        assert blocked["headers"]["Retry-After"] == "1800"
        observed = await running.check(watched)
        assert (observed["allowed"], observed["wouldDeny"]["reason"]) == (True, "margin_blocked")
        assert (await running.check(free))["margin"] == "NONE"


async def test_an_unknown_margin_never_blocks(shop: Shop) -> None:
    card = [{"metric": "api_calls", "model": "per_unit", "unitPrice": "1"}]
    customer, _ = shop.customer_on(shop.plan(shop.product(), rateCard=card))
    shop.cost("5", currency="USD")
    shop.guard("TENANT", "ten_1", l3="0.5")
    async with edge(shop.folder) as running:
        answer = await running.check(customer)
        assert (answer["allowed"], answer["margin"]) == (True, "NONE")


async def test_a_product_observes_until_it_is_switched_and_again_while_enforcement_is_paused(shop: Shop) -> None:
    product = shop.product(enforce=False)
    customer, _ = shop.customer_on(shop.plan(product, quotas=[HARD_100 | {"units": "1"}]))
    async with edge(shop.folder) as running:
        await running.check(customer, product=product)
        answer = await running.check(customer, product=product)
        assert (answer["allowed"], answer["reason"], answer["enforcement"]) == (True, "ok", "observe")
        assert answer["wouldDeny"] == {"reason": "quota_exceeded", "status": 429, "retryAfterSeconds": 734_400}
        assert (await running.check("nobody", product="unmonetized"))["wouldDeny"]["reason"] == "no_subscription"
        shop.mode(product, "enforce")
        await running.refresh()
        assert not (await running.check(customer, product=product))["allowed"]
        shop.put("enforcement_pauses", tenant_id="ten_1", actor_id="usr_1", since="2026-01-01T00:00:00.000Z")
        shop.put("enforcement_changes", tenant_id="ten_1", kind="pause", subject="*", at="2026-01-01T00:00:00.000Z")
        await running.refresh()
        assert (await running.check(customer, product=product))["enforcement"] == "observe"


async def test_the_oldest_subscription_that_holds_the_product_or_the_metric_is_used(shop: Shop) -> None:
    first, second = shop.product(ref="Maps"), shop.product(ref="Search")
    customer = shop.customer()
    shop.subscription(customer, shop.plan(second, key="search", quotas=[HARD_100 | {"metric": "tokens"}]))
    shop.subscription(customer, shop.plan(first, key="maps"))
    async with edge(shop.folder) as running:
        assert (await running.check(customer, product=first))["plan"] == "maps"
        assert (await running.check(customer, product="Search"))["plan"] == "search"
        assert (await running.check(customer))["plan"] == "maps"
        assert (await running.check(customer, metric="tokens"))["plan"] == "search"


async def test_one_quota_spans_gateways_and_survives_a_new_plan_version(shop: Shop) -> None:
    one, two = shop.product(), shop.product()
    customer, subscription = shop.customer_on(shop.plan(one, two))
    bigger = shop.plan(one, two, quotas=[HARD_100 | {"units": "200"}])
    async with edge(shop.folder) as running:
        await running.check(customer, product=one, units=60)
        assert (await running.check(customer, product=two, units=60))["reason"] == "quota_exceeded"
        shop.move(subscription, bigger)
        await running.refresh()
        assert (await running.check(customer, product=two, units=60))["remaining"] == 80


async def test_another_tenants_key_sees_nothing_and_test_keys_count_for_themselves(shop: Shop) -> None:
    product = shop.product()
    customer, _ = shop.customer_on(shop.plan(product))
    shop.key(BOUND_KEY, customer_id="cust_else")
    async with edge(shop.folder) as running:
        mine = await running.check(customer, units=10)
        assert (await running.check(customer, OTHER_KEY))["wouldDeny"]["reason"] == "no_subscription"
        await running.post(f"/v1/decisions/{mine['decisionId']}/settle", {"used": 0}, OTHER_KEY, 404)
        await running.post(f"/v1/decisions/{mine['decisionId']}/settle", {"used": 0}, TEST_KEY, 404)
        assert (await running.check(customer, TEST_KEY))["remaining"] == 99
        assert not (await running.check(customer, BOUND_KEY))["allowed"]
        lease = (await running.post("/v1/leases", {"customerId": customer, "want": 5, "nodeId": "n"}))["lease"]
        await running.post(f"/v1/leases/{lease['id']}/settle", {"used": 0}, OTHER_KEY, 404)
        await running.post(f"/v1/leases/{lease['id']}/settle", {"used": 0}, TEST_KEY, 404)
        await running.get("/v1/check/ten_1", OTHER_KEY, 404)
        assert (await running.check(customer))["remaining"] == 84


async def test_a_batch_answers_each_check_in_order(shop: Shop) -> None:
    customer, _ = shop.customer_on(shop.plan(shop.product()))
    async with edge(shop.folder) as running:
        checks = [{"customerId": customer, "units": 40}] * 3
        answer = await running.post("/v1/check/batch", {"checks": checks})
        assert [one["allowed"] for one in answer["results"]] == [True, True, False]
        refused = await running.post("/v1/check/batch", {"checks": checks * 34}, status=413)
        assert refused["code"] == "too_large"


async def test_the_older_forms_answer_in_their_own_words_and_never_reserve(shop: Shop) -> None:
    customer, _ = shop.customer_on(shop.plan(shop.product(), key="pro", quotas=[HARD_100 | {"units": "10"}]))
    async with edge(shop.folder) as running:
        asked = {"customerId": customer, "metricName": "api_calls", "estimatedQuantity": 4}
        for _ in range(3):
            answer = await running.post("/api/v1/quota/check", asked)
        assert answer == {
            "decision": "ALLOW", "reason": "ok", "currentUsage": 0, "limit": 10, "retryAfterMs": 0, "tierName": "pro",
            "headers": {"X-Aforo-Remaining": "10", "X-Aforo-Plan": "pro"},
        }  # fmt: skip
        await running.check(customer, units=8)
        assert (await running.post("/api/v1/quota/check", asked))["decision"] == "DENY"
        assert (await running.post("/api/v1/quota/check", {"customerId": customer}))["decision"] == "WARN"
        product = (await running.get(f"/v1/check/acme?customerId={customer}"))["remaining"]
        assert product == 2


async def test_the_quick_check_of_margins_is_there_for_named_networks_only(shop: Shop) -> None:
    card = [{"metric": "api_calls", "model": "per_unit", "unitPrice": "1"}]
    customer, _ = shop.customer_on(shop.plan(shop.product(), key="pro", rateCard=card))
    shop.cost("0.75")
    shop.guard("TIER", "pro", throttle=30, l1="0.9", l2="0.26")
    path = f"/internal/v1/margin-guard/quick-check?tenantId=ten_1&scopeType=CUSTOMER&scopeId={customer}"
    async with edge(shop.folder, margin_networks=["10.0.0.0/8"]) as running:
        assert (await running.get(path, None, 404))["code"] == "not_found"
    async with edge(shop.folder, margin_networks=["127.0.0.0/8"]) as running:
        assert (await running.get(path, None))["level"] == "NONE"
        await running.ingest({"customerId": customer})
        for scope in (f"CUSTOMER&scopeId={customer}", "TIER&scopeId=pro"):
            told = await running.get(path.partition("scopeType")[0] + f"scopeType={scope}", None)
            assert (told["allowed"], told["level"], told["throttleRate"]) == (True, "L2_THROTTLE", 30)
        assert (await running.get(path.replace("ten_1", "ten_2"), None))["level"] == "NONE"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "unreadable"),
        (b"{", 400, "unreadable"),
        (b"\xff\xfe", 400, "unreadable"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b'{"customerId":1}', 422, "invalid"),
        (b'{"customerId":"c","units":NaN}', 400, "unreadable"),
        (b'{"customerId":"c","units":Infinity}', 400, "unreadable"),
        (b'{"customerId":"c","units":1e400}', 422, "invalid"),
        (b'{"customerId":"c","units":1e-400}', 422, "invalid"),
        (b'{"customerId":"c","units":-1}', 422, "invalid"),
        (b'{"customerId":"c","units":1000000000000000}', 422, "invalid"),
        (b'{"customerId":"c","units":0.0000000001}', 422, "invalid"),
        (b'{"customerId":"c","units":"1,5"}', 422, "invalid"),
        (b'{"customerId":"c","units":' + b"9" * 5000 + b"}", 422, "invalid"),
        (b'{"customerId":"c","units":true}', 422, "invalid"),
        (b'{"customerId":"c","units":[1]}', 422, "invalid"),
        (b'{"customerId":"\\ud800"}', 400, "unreadable"),
        (b'{"customerId":"' + b"c" * 300 + b'"}', 422, "invalid"),
        (b'{"customerId":"c","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "unreadable"),
        (b'{"credential":{"type":"x"}}', 422, "invalid"),
        (b'{"customerId":"a","customerId":"c"}', 200, ""),
        (b'{"customerId":"c","units":"0.000000001","unknown":{"a":[1]}}', 200, ""),
        (b'{"customerId":"c","units":1e2}', 200, ""),
        (b'{"customerId":"\\u0000"}', 200, ""),
    ],
)
async def test_bad_input_has_a_documented_answer(shop: Shop, body: bytes, status: int, code: str) -> None:
    async with edge(shop.folder) as running:
        for path in ("/v1/check", "/v1/leases", "/api/v1/quota/check"):
            if b"credential" in body and path == "/api/v1/quota/check":
                continue
            wanted = body.replace(b'"units"', b'"estimatedQuantity"') if path == "/api/v1/quota/check" else body
            answer = await running.post(path, wanted, KEY, status)
            assert answer.get("code", "") == code
            if status == 422:
                assert answer["errors"][0]["pointer"].startswith("/") or body in (b"[]", b"null", b"{}")
