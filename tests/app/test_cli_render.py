"""What the terminal shows, from the API's JSON alone: at 80 columns nothing is cut, in a pipe lines stay whole."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from aforo.app.cli.exits import Exit
from aforo.app.cli.session import cleaned
from aforo.app.cli.show import drift, integrations, plan, problem, products
from aforo.app.cli.show.fields import Arrow, FieldLine, place

NO_IMPACT = {"subscriptions": None, "credentials": None, "monthlyRevenue": None, "currency": None}


def text(shown: RenderableType, width: int = 80, *, colour: bool = False) -> str:
    out = io.StringIO()
    Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False
    ).print(shown)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def field(path: str, before: object, after: object, kind: str = "FIELD", **more: Any) -> dict[str, Any]:
    return {"path": path, "kind": kind, "before": before, "after": after, "secret": False, "counts": True, **more}


def row(status: str, ref: str, line: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "ignored": [],
        "impact": NO_IMPACT,
        "productId": None,
        "version": None,
        "name": ref,
        "reason": "",
    }
    return {"status": status, "ref": ref, "line": line, "fields": list(fields), **known, **more}


def preview(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    counts = {
        status: sum(row["status"] == status for row in rows) for status in ("NEW", "CHANGED", "UNCHANGED", "STALE")
    }
    return {
        "planId": "prev_8f2c",
        "integrationId": "int_1",
        "state": "OPEN",
        "createdAt": "2026-11-22T14:02:00Z",
        "hash": "h",
        "partial": False,
        "problems": [],
        "notes": [],
        "unread": [],
        "summary": counts,
        "changes": list(rows),
        **more,
    }


QUOTA = field("/plugin/rate-limiting@payments-v2/config/minute", 600, 60)
CHANGED = row("CHANGED", "payments-v2", "CHANGED: payments-v2 (configuration differs between gateway and Aforo)", QUOTA)
NEW = row("NEW", "search", "NEW: search")
STALE = row(
    "STALE",
    "old",
    "STALE: old (in Aforo, no longer at the gateway)",
    impact={"subscriptions": 1204, "credentials": 7, "monthlyRevenue": "1234.50", "currency": "EUR"},
)
SAME = row("UNCHANGED", "orders", "UNCHANGED: orders")


def test_a_preview_reads_like_a_plan() -> None:
    assert text(plan.plan(preview(CHANGED, NEW, SAME, STALE), "kong-prod")) == (
        "Preview prev_8f2c of kong-prod, 2026-11-22 14:02 UTC\n"
        "Record on the left, gateway on the right; an import writes the record ( <- ).\n"
        "\n"
        "~ CHANGED: payments-v2 (configuration differs between gateway and Aforo)\n"
        "    ~ plugin rate-limiting@payments-v2  config.minute   600 <- 60\n"
        "    impact  subscriptions —   credentials —   monthly revenue —\n"
        "+ NEW: search\n"
        "- STALE: old (in Aforo, no longer at the gateway)\n"
        "    impact  subscriptions 1,204   credentials 7   monthly revenue 1234.50 EUR\n"
        "= 1 UNCHANGED (--all lists them)\n"
        "\n"
        "Preview: 1 new, 1 changed, 1 unchanged, 1 stale."
    )


def test_the_line_of_a_product_is_the_apis_own() -> None:
    line = "CHANGED: TranslationAPI v2 (spec differs between gateway and Aforo)"
    assert f"~ {line}" in text(plan.plan(preview(row("CHANGED", "TranslationAPI", line)), "apigee")).splitlines()


def test_unchanged_products_are_listed_when_asked_for() -> None:
    shown = text(plan.plan(preview(SAME), "kong-prod", every=True))
    assert "= UNCHANGED: orders" in shown
    assert "--all" not in shown


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (preview(SAME, SAME), "Nothing has changed. All 2 products at kong-prod are as recorded."),
        (preview(SAME), "Nothing has changed. The one product at kong-prod is as recorded."),
        (preview(), "There are no products at kong-prod, and none of it in Aforo."),
    ],
)
def test_no_difference_is_a_plain_sentence(view: dict[str, Any], sentence: str) -> None:
    assert sentence in text(plan.plan(view, "kong-prod")).splitlines()


def test_a_partial_preview_says_what_was_missed_and_what_is_not_concluded() -> None:
    problems = [{"what": "routes, page 3", "why": "429 too many requests", "code": "gateway_throttled"}]
    shown = text(plan.plan(preview(SAME, partial=True, problems=problems, unread=["a", "b"]), "kong-prod"))
    assert "PARTIAL: not everything at the gateway could be read." in shown
    assert "routes, page 3: 429 too many requests (gateway_throttled)" in shown
    assert (
        " ".join(shown.split()).count("nothing is concluded about 2 recorded products not seen this time: a, b.") == 1
    )
    assert "So no product is called STALE" in shown
    assert "Nothing has changed" not in shown


def test_the_arrow_points_to_the_side_that_is_written() -> None:
    shown = {arrow: text(FieldLine(QUOTA, arrow)) for arrow in Arrow}
    assert shown[Arrow.IMPORT] == "    ~ plugin rate-limiting@payments-v2  config.minute   600 <- 60"
    assert shown[Arrow.RESTORE] == "    ~ plugin rate-limiting@payments-v2  config.minute   600 -> 60"


def test_a_secret_is_told_to_have_changed_and_nothing_more() -> None:
    secret = field("/plugin/oauth2@a/config/key", None, None, secret=True)
    assert text(FieldLine(secret, Arrow.IMPORT)).endswith("config.key   secret changed")


def test_a_child_that_is_missing_leaves_the_record_on_import_and_returns_on_restore() -> None:
    gone = field("/route/pay", {"paths": ["/pay"]}, None, "MISSING")
    assert text(FieldLine(gone, Arrow.IMPORT)).startswith("    - route pay   recorded, missing at the gateway: {")
    assert text(FieldLine(gone, Arrow.RESTORE)).startswith("    + route pay")


def test_escaped_parts_of_a_path_are_read_back() -> None:
    assert place("/spec/openapi/paths/~1pay.get/a~0b") == ("spec", "openapi", 'paths."/pay.get".a~b')


@given(st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Zs")), min_size=1, max_size=300))
def test_at_80_columns_long_values_are_folded_and_nothing_is_cut(long: str) -> None:
    shown = text(FieldLine(field("/service/a/host", long, "b"), Arrow.IMPORT))
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert json.dumps(long) in "".join(line.strip() for line in shown.splitlines())


def test_in_a_pipe_a_difference_stays_on_one_line() -> None:
    line = text(FieldLine(field("/service/a/host", "x" * 500, "y" * 500), Arrow.IMPORT), width=100_000)
    assert len(line.splitlines()) == 1


def test_tables_fold_long_cells_at_80_columns_instead_of_cutting_them() -> None:
    name = "a-product-with-a-very-long-name-that-nobody-would-choose-willingly-but-somebody-has"
    known = {"version": "v1", "integrationId": "int_1", "monetizationStatus": "UNMONETIZED"}
    head, *lines = text(
        products.listed({"data": [{"name": name, "ref": name, **known}]}, {"int_1": "kong"})
    ).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "".join(line[: head.index("VERSION")].strip() for line in lines) == name


def test_an_id_stays_whole_at_80_columns_so_that_it_can_be_copied() -> None:
    id_ = "int_01m82sypdr52b3401zksz0ddkn"
    known = {"gateway": "kong", "emulated": True, "health": "HEALTHY", "breaker": "HALF_OPEN", "id": id_}
    shown = text(integrations.listed({"data": [{"name": "kong-production-frankfurt-internal", **known}]}, {id_: 1204}))
    assert id_ in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


@pytest.mark.parametrize(("arrow", "side"), [(Arrow.IMPORT, "record"), (Arrow.RESTORE, "gateway")])
def test_a_folded_difference_names_the_side_that_is_overwritten(arrow: Arrow, side: str) -> None:
    shown = text(FieldLine(field("/service/a/host", "x" * 60, "y" * 60), arrow)).split()
    before = shown[: shown.index("(is")]
    assert [word for word in before if word in ("record", "gateway")][-1] == side


def test_products_of_one_name_are_told_apart_by_their_refs() -> None:
    known = {"version": "3.0.0", "integrationId": "int_1", "monetizationStatus": "MONETIZED"}
    rows = [{"name": "PaymentsAPI", "ref": f"PaymentsAPI/{n}", "id": f"prod_{n}", **known} for n in ("dev", "prod")]
    shown = text(products.listed({"data": rows}, {"int_1": "aws"}))
    assert "PaymentsAPI/dev" in shown
    assert "    ref  PaymentsAPI/dev" in text(
        plan.plan(preview(row("NEW", "PaymentsAPI/dev", "NEW: PaymentsAPI 3.0.0", name="PaymentsAPI")), "aws")
    )


def test_a_difference_counts_as_drift_only_where_the_api_says_so() -> None:
    shown_only = field("/target/10.0.0.1:80", None, {"target": "10.0.0.1:80"}, "FOREIGN", counts=False)
    view = {"gone": False, "fields": [shown_only], "ignored": [], "drift": None, "observed": "o"}
    assert not drift.drifts(view)
    shown = text(drift.drift(view, "payments-v2"))
    assert "✓ payments-v2 stands at the gateway as recorded." in shown
    assert "added by others (no drift)" in shown


def test_a_restore_plan_shows_each_write_with_its_values() -> None:
    view = {
        "dryRun": True,
        "observed": "o",
        "steps": [
            {"title": "create route pay", "outcome": "PLANNED", "detail": ""},
            {"title": "update plugin rate-limiting@payments-v2", "outcome": "PLANNED", "detail": ""},
        ],
        "unrestorable": [{"path": "/plugin/a/config/key", "why": "the gateway masks this value: set it by hand"}],
        "leftAlone": [field("/plugin/cors@a", None, {}, "FOREIGN")],
    }
    gone = field("/route/pay", {"paths": ["/pay"]}, None, "MISSING")
    assert text(drift.restore_plan(view, "payments-v2", "kong-prod", [QUOTA, gone])) == (
        "Restoring payments-v2 would write this to kong-prod:\n"
        "  + create route pay\n"
        '      {"paths": ["/pay"]}\n'
        "  ~ update plugin rate-limiting@payments-v2\n"
        "      ~ plugin rate-limiting@payments-v2  config.minute   600 -> 60\n"
        "! Cannot be restored; set it by hand:\n"
        "    /plugin/a/config/key  the gateway masks this value: set it by hand\n"
        "  Left alone, since others added it (--remove PATH takes it away):\n"
        "    /plugin/cors@a\n"
        "\n"
        "Restore: 1 to create, 1 to update, 0 to delete."
    )


def test_a_restore_that_failed_half_way_shows_what_stands_and_what_does_not() -> None:
    told = {
        "title": "The gateway did not do it",
        "status": 502,
        "detail": "1 of 3 steps were applied, then: no.",
        "code": "restore_incomplete",
        "steps": [
            {"title": "update service a", "outcome": "DONE", "detail": ""},
            {"title": "create route b", "outcome": "FAILED", "detail": "no"},
            {"title": "create plugin c", "outcome": "NOT_TRIED", "detail": ""},
        ],
    }
    assert text(problem.problem(told, Exit.GATEWAY, "again", "")) == (
        "✗ The gateway did not do it. 1 of 3 steps were applied, then: no.\n"
        "  ✓ done      update service a\n"
        "  ✗ failed    create route b\n"
        "      no\n"
        "  · not tried create plugin c\n"
        "  Next: again\n"
        "  (restore_incomplete, exit 6)"
    )


def test_each_check_of_a_connection_is_a_line_with_word_time_and_next_step() -> None:
    def check(name: str, verdict: str, detail: str, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "verdict": verdict,
            "detail": detail,
            "nextStep": None,
            "code": None,
            "tookMs": None,
            **more,
        }

    checks = [
        check("Address reached", "OK", "kong:8001", tookMs=41.6),
        check("May write", "LIMITED", "read-only"),
        check("Token", "FAILED", "401", nextStep="Give another.", code="gateway_auth_failed"),
    ]
    assert text(integrations.test({"checks": checks})) == (
        "  ✓ ok      Address reached  kong:8001  42 ms\n"
        "  ! limited May write  read-only\n"
        "  ✗ failed  Token  401\n"
        "      Next: Give another.\n"
        "      (gateway_auth_failed)"
    )


def test_colour_is_never_the_only_sign() -> None:
    view = preview(CHANGED, NEW, SAME, STALE)
    coloured = text(plan.plan(view, "kong-prod"), colour=True)
    assert "\x1b[33m~ " in coloured
    assert "\x1b" not in text(plan.plan(view, "kong-prod"))


def test_a_name_at_a_gateway_cannot_steer_the_terminal() -> None:
    evil = "pay\x1b[2Jments\x9b31m\r[red]x[/red]"
    shown = text(plan.plan(cleaned(preview(row("NEW", evil, f"NEW: {evil}"))), cleaned(evil)))
    assert not {"\x1b", "\x9b", "\r"} & set(shown)
    assert "[red]x[/red]" in shown
