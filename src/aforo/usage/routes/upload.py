"""POST /v1/ingest/upload."""

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from aforo.accounts import Caller, CallerFor, Scope
from aforo.jobs import Jobs, Report
from aforo.kit.errors import Invalid, TooLarge
from aforo.kit.jsontree import JsonObject
from aforo.usage.commands import EdgeLink
from aforo.usage.errors import UnsupportedMedia
from aforo.usage.model import Answer
from aforo.usage.upload import MOST_BYTES, send_file

_CSV: Final = frozenset({"text/csv", "application/csv", "application/vnd.ms-excel"})
_NDJSON: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"}
)
_BODY: Final = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "At most 50 MiB."},
                    "format": {"type": "string", "enum": ["csv", "ndjson"]},
                },
            },
            "example": {"file": "idempotencyKey,customerId,metricName,quantity,occurredAt", "format": "csv"},
        }
    },
}
_EXAMPLE: Final = {"jobId": "job_01k9q3w5x7", "links": {"job": "/api/v1/jobs/job_01k9q3w5x7"}}


def router(data_dir: Path, caller: CallerFor, jobs: Jobs) -> APIRouter:
    """Files of events, taken in by a job."""
    routes = APIRouter()
    edge = EdgeLink(data_dir)

    @routes.post(
        "/v1/ingest/upload",
        status_code=202,
        summary="Take in a CSV or NDJSON file of events",
        openapi_extra={"requestBody": _BODY},
        responses={202: {"content": {"application/json": {"example": _EXAMPLE}}}},
    )
    async def upload(request: Request, who: Annotated[Caller, Depends(caller(Scope.USAGE_INGEST))]) -> JSONResponse:
        """The job's result counts what was accepted, duplicate and refused, and names the first 1,000 bad rows by line.
        The same file may be sent again: nothing counts twice."""
        async with request.form(max_files=1, max_fields=5) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid("The form has no file.", (("/file", "is required"),))
            name, is_csv = file.filename or "a file", _is_csv(form.get("format"), file)
            place = await run_in_threadpool(_stored, data_dir, file)

        async def send(lines: bytes) -> Answer:
            return await edge.ask(Answer, "ingest", lines, caller=msgspec.to_builtins(who))

        async def work(report: Report) -> JsonObject:
            try:
                return await send_file(place, is_csv=is_csv, send=send, progress=report)
            finally:
                place.unlink(missing_ok=True)

        job = await jobs.start(who.tenant_id, "upload", f"Events of {name}", work)
        told: dict[str, Any] = {"jobId": job.id, "links": {"job": f"/api/v1/jobs/{job.id}"}}
        return JSONResponse(told, 202, headers={"Location": f"/api/v1/jobs/{job.id}"})

    return routes


def _is_csv(told: object, file: UploadFile) -> bool:
    media, ending = (file.content_type or "").partition(";")[0].lower(), Path(file.filename or "").suffix.lower()
    if told in ("csv", "ndjson"):
        return told == "csv"
    if ending == ".csv" or media in _CSV:
        return True
    if ending in (".ndjson", ".jsonl") or media in _NDJSON:
        return False
    raise UnsupportedMedia("This is neither CSV nor NDJSON.", next_step="Name the file .csv or .ndjson.")


def _stored(data_dir: Path, file: UploadFile) -> Path:
    """A copy for the job, which outlives the request."""
    if (file.size or 0) > MOST_BYTES:
        raise TooLarge("The file is over 50 MiB. Nothing was accepted.", next_step="Split it.")
    folder = data_dir / "uploads"
    folder.mkdir(mode=0o700, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
        try:
            shutil.copyfileobj(file.file, copy)
        except OSError:
            with contextlib.suppress(OSError):
                Path(copy.name).unlink()
            raise
        return Path(copy.name)
