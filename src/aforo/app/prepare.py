"""Runs once before the children start: bring the records up to date, and on the first start make an administrator.

A process of its own, so that the supervisor stays small. Prints one JSON line: adminKey (or null) and signInToken.
"""

import asyncio
import json
import sys

from aforo.accounts import Accounts
from aforo.accounts.sql import AccountStore
from aforo.app.records import is_newest, upgrade
from aforo.app.settings import Settings
from aforo.kit.clock import SystemClock
from aforo.kit.db import Database


async def _first_start(settings: Settings) -> dict[str, str | None]:
    db = Database(settings.records_path)
    try:
        accounts = Accounts(AccountStore(db), SystemClock())
        key = await accounts.ensure_first()
        tenant = (await accounts.tenants())[0]
        return {"adminKey": key, "signInToken": await accounts.sign_in_token(tenant.id)}
    finally:
        await db.aclose()


def main() -> None:
    """Settings come from the environment, which the supervisor has filled."""
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not is_newest(settings.records_path):
        upgrade(settings.records_path)
    sys.stdout.write(json.dumps(asyncio.run(_first_start(settings))) + "\n")


if __name__ == "__main__":
    main()
