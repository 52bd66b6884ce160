"""What several operators do in the same moment."""

import asyncio
from pathlib import Path

from tests.live import aforo, emulated


async def test_of_imports_at_the_same_moment_one_wins_and_the_others_are_told_that_their_plan_is_stale(
    tmp_path: Path,
) -> None:
    with emulated("kong", 4) as kong:
        async with aforo(tmp_path) as mine:
            integration_id = await mine.connect(kong)
            first, second = await mine.preview(integration_id), await mine.preview(integration_id)
            answers = await asyncio.gather(
                *(
                    mine.http.post(
                        "/api/v1/products/import",
                        json={"planId": plan["planId"], "select": [row["ref"] for row in plan["changes"]]},
                    )
                    for plan in (first, second, first)
                )
            )
            assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
            assert {answer.json().get("code") for answer in answers} == {None, "plan_stale"}
            assert len((await mine.call("GET", "/api/v1/products"))["data"]) == 4
