"""Content encodings, undone piece by piece, so that a bomb is noticed before it has grown."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from aforo.kit.errors import TooLarge, Unreadable
from aforo.usage.errors import UnsupportedMedia
from aforo.usage.model import MAX_BODY_BYTES

_PIECE_BYTES: Final = 64 * 1024
_ZSTD_PIECE_BYTES: Final = 256  # a run-length block of 4 bytes stands for 128 KiB: at most 8 MiB at a time


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its content encoding, at most 10 MiB; raises Unreadable, TooLarge or UnsupportedMedia."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    pieces = _ENCODINGS.get(name)
    if pieces is None:
        raise UnsupportedMedia(
            "The content encoding is not known here.", next_step="Use gzip, zstd, lz4, or send the body as it is."
        )
    try:
        return _bounded(pieces(body))
    except (zlib.error, EOFError, RuntimeError, ValueError) as fault:
        raise Unreadable(
            f"The body is not complete {name}; nothing was kept.", next_step="Send the whole body again."
        ) from fault


def _bounded(pieces: Iterator[bytes]) -> bytes:
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) > MAX_BODY_BYTES:
            raise TooLarge("The body is over 10 MiB when unpacked.", next_step="Send fewer events in one request.")
    return bytes(whole)


def _gzip(body: bytes) -> Iterator[bytes]:
    """One or more members, as RFC 1952 allows."""
    while body:
        member = zlib.decompressobj(wbits=31)
        while body and not member.eof:
            yield member.decompress(body, _PIECE_BYTES)
            body = member.unconsumed_tail
        while not member.eof:
            piece = member.decompress(b"", _PIECE_BYTES)
            if not piece and not member.eof:
                raise EOFError
            yield piece
        body = member.unused_data


def _zstd(body: bytes) -> Iterator[bytes]:
    import zstandard

    # RFC 8878 asks decoders to bear a window of 8 MiB; twice that is borne here, whatever a frame claims
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**24)
    try:
        while body:
            frame = decompressor.decompressobj(write_size=_PIECE_BYTES)
            for start in range(0, len(body), _ZSTD_PIECE_BYTES):
                piece = body[start : start + _ZSTD_PIECE_BYTES]
                yield frame.decompress(piece)
                if frame.eof:
                    body = frame.unused_data + body[start + len(piece) :]
                    break
            else:
                raise EOFError
    except zstandard.ZstdError as fault:
        raise ValueError from fault


def _lz4(body: bytes) -> Iterator[bytes]:
    import lz4.frame

    while body:
        frame: Any = lz4.frame.LZ4FrameDecompressor()
        yield frame.decompress(body, max_length=_PIECE_BYTES)
        while not frame.eof:
            if frame.needs_input:
                raise EOFError
            yield frame.decompress(b"", max_length=_PIECE_BYTES)
        body = frame.unused_data or b""


_ENCODINGS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "zstd": _zstd,
    "lz4": _lz4,
}
