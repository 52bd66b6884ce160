"""Where Aforo is to run: its host, ports and data folder.

All are tried before anything is started, since a child could tell only by crashing. Imports nothing heavy.
"""

import errno
import fcntl
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_LOCK: Final = "serve.lock"
_PORTS: Final = range(1, 65536)


class CannotStart(Exception):
    """Says what is in the way and what to do about it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What `aforo serve` was told."""

    host: str
    port: int
    edge_port: int
    data_dir: Path

    def check(self) -> None:
        """Raises CannotStart where an origin could not listen. Nothing is made or changed."""
        for option, number in (("--port", self.port), ("--edge-port", self.edge_port)):
            if number not in _PORTS:
                raise CannotStart(f"{option} {number} is no port. Choose one from 1 to 65535.")
        if self.port == self.edge_port:
            raise CannotStart(f"--port and --edge-port are both {self.port}. Give each origin a port of its own.")
        for number in (self.port, self.edge_port):
            _try_to_listen(self.host, number)

    def hold(self) -> int:
        """Make the data folder if need be, and take it for this Aforo alone; the handle of its lock.

        The lock lasts until the last process that has inherited the handle ends. Raises CannotStart.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.data_dir / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as fault:
            raise CannotStart(
                f"The data folder {self.data_dir} cannot be used: {fault.strerror}. Name another one with --data-dir."
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(handle, 20).decode("ascii", "replace").strip()
            os.close(handle)
            raise CannotStart(
                f"The data folder {self.data_dir} is in use by another Aforo (process {owner}). Stop that one, "
                "wait until it has ended, or name another folder with --data-dir."
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        return handle


def near(host: str) -> str:
    """The address by which this machine itself reaches what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compares, does not bind


def origin(host: str, port: int) -> str:
    """`http://host:port`, an IPv6 address in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _try_to_listen(host: str, port: int) -> None:
    for family, address in _addresses(host, port):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as fault:
                raise CannotStart(_in_the_way(host, port, fault)) from None


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM) if host else []
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise CannotStart(
            f"The host {host!r} is no address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of its addresses."
        )
    return [(family, address) for family, _, _, _, address in found]


def _in_the_way(host: str, port: int, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use. Stop what listens there, or choose another one."
    if fault.errno == errno.EACCES:
        return f"Port {port} of {host} is for administrators of this machine. Choose one above 1023."
    return (
        f"{host} is no address of this machine ({fault.strerror}). Use 127.0.0.1, or 0.0.0.0 for all of its addresses."
    )
