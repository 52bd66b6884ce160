"""What is done to a log folder before it is written to again."""

import os
import time
from pathlib import Path

import msgspec

from aforo.usage.errors import LogDamaged
from aforo.usage.segment_log.frame import HEAD, is_segment_head, segment_head
from aforo.usage.segment_log.manifest import Closed, Manifest, load, segment_path, store, sync_folder
from aforo.usage.segment_log.reader import LogReader


def recovered(folder: Path) -> Manifest:
    """The manifest, after the open segment was cut behind its last whole frame.

    What is cut was never acknowledged. It is set aside as `NNN.torn` rather than thrown away. Raises LogDamaged when
    the open segment is missing or of another format.
    """
    manifest = load(folder)
    if manifest.open:
        _cut(folder, manifest.open)
    return manifest


def _cut(folder: Path, segment: int) -> None:
    path = segment_path(folder, segment)
    if not path.exists() or not _begins_well(path, segment):
        raise LogDamaged(f"The open segment {segment} of the usage log `{folder.name}` is missing or unreadable.")
    end = HEAD.size
    for frame in LogReader(folder).forwards(segment):
        end = frame.end
    with path.open("r+b") as file:
        file.seek(end)
        torn = file.read()
        if torn.strip(b"\0"):
            path.with_suffix(".torn").write_bytes(torn)
        if torn:
            file.truncate(end)
            os.fsync(file.fileno())


def _begins_well(path: Path, segment: int) -> bool:
    with path.open("rb") as file:
        return is_segment_head(file.read(HEAD.size), segment)


def next_segment(folder: Path, manifest: Manifest, length: int) -> tuple[Manifest, int]:
    """Close the open segment at `length` and begin the next; gives the new manifest and a handle. Raises OSError.

    The new file is durable before the manifest names it; a leftover of an attempt that failed is overwritten.
    """
    number = manifest.open + 1
    handle = os.open(segment_path(folder, number), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, segment_head(number, time.time_ns()))
        os.fsync(handle)
        sync_folder(folder)
        closed = (*manifest.closed, Closed(manifest.open, length)) if manifest.open else manifest.closed
        fresh = msgspec.structs.replace(manifest, open=number, closed=closed)
        store(folder, fresh)
    except OSError:
        os.close(handle)
        raise
    return fresh, handle
