"""An append-only log of frames in segment files, safe against a crash at any byte.

A folder holds `NNNNNNNNNNNN.log` segments and `manifest.json`, which names them; one process writes, others read.
"""

from aforo.usage.segment_log.frame import Position, after
from aforo.usage.segment_log.reader import LogReader
from aforo.usage.segment_log.writer import SegmentLog

__all__ = ["LogReader", "Position", "SegmentLog", "after"]
