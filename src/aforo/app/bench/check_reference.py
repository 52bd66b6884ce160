"""The reference: the same check as most would write it, FastAPI with pydantic models and a dictionary in memory.

`python -m aforo.app.bench.check_reference <port> <key> <customer>`.
"""

import hashlib
import sys
from datetime import UTC, datetime
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, Field
from pydantic.alias_generators import to_camel


class _Shape(BaseModel, alias_generator=to_camel, populate_by_name=True):
    pass


class Asked(_Shape):
    customer_id: str = Field(max_length=64)
    product: str | None = None
    metric: str = "api_calls"
    units: int = Field(1, ge=0)


class Told(_Shape):
    allowed: bool
    reason: str
    plan: str | None
    customer_id: str
    remaining: int
    reset_at: datetime
    margin: str
    enforcement: str
    decision_id: str
    headers: dict[str, str]


def create(key: str, customer: str) -> FastAPI:
    app = FastAPI()
    keys = {hashlib.sha256(key.encode()).hexdigest()}
    rest = {customer: 10**12}

    def caller(authorization: Annotated[str, Header()]) -> str:
        sha = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
        if sha not in keys:
            raise HTTPException(401)
        return sha

    @app.post("/v1/check")
    async def check(asked: Asked, _: Annotated[str, Depends(caller)]) -> Told:
        left = rest[asked.customer_id] - asked.units
        rest[asked.customer_id] = left
        return Told(
            allowed=left >= 0,
            reason="ok",
            plan="bench",
            customer_id=asked.customer_id,
            remaining=left,
            reset_at=datetime(2027, 1, 1, tzinfo=UTC),
            margin="NONE",
            enforcement="enforce",
            decision_id=hashlib.sha256(str(left).encode()).hexdigest(),
            headers={"X-Aforo-Remaining": str(left), "X-Aforo-Plan": "bench"},
        )

    return app


if __name__ == "__main__":
    served = create(sys.argv[2], sys.argv[3])
    uvicorn.run(served, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="error")
