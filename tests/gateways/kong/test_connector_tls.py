"""The connection test looks at the Admin API's certificate on a real TLS connection."""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Check, Connection, Verdict
from aforo.gateway_sdk.transport import OpenGate, TlsSetup, Transport, new_http
from aforo.gateways.kong.connector import connect
from aforo.kit.clock import SystemClock
from tests.gateways.kong.small_kong import SmallKong

_LINE = "TLS certificate valid"


def _certificate(folder: Path, days: int) -> tuple[Path, Path]:
    """A self-made certificate for 127.0.0.1 that ends in so many days, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kong.test")])
    until = datetime.now(UTC) + timedelta(days=days, hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=400))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "kong.pem", folder / "kong.key"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    return shown, secret


@contextlib.contextmanager
def _serving(shown: Path, secret: Path) -> Iterator[str]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        SmallKong(), log_level="critical", lifespan="off", ssl_certfile=str(shown), ssl_keyfile=str(secret)
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


async def _lines(folder: Path, days: int) -> dict[str, Check]:
    """The connection test's lines by name, against a server whose certificate ends in so many days."""
    shown, secret = _certificate(folder, days)
    clock = SystemClock()
    http = new_http(allow_private=True, setup=TlsSetup(ca_bundle=shown.read_text()))
    transport = Transport(http, gateway_name="Kong", budget=Budget((), clock), gate=OpenGate())
    with _serving(shown, secret) as url:
        gateway = connect(Connection("int_test", "none", {"admin_url": url}, transport, clock, _remember))
        lines = {line.name: line async for line in gateway.check()}
        await gateway.aclose()
    return lines


async def _remember(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")


@pytest.mark.parametrize(("days", "verdict"), [(14, Verdict.OK), (13, Verdict.LIMITED), (1, Verdict.LIMITED)])
async def test_the_certificates_end_is_shown_and_warned_of_two_weeks_before(
    tmp_path: Path, days: int, verdict: Verdict
) -> None:
    lines = await _lines(tmp_path, days)
    until = datetime.now(UTC) + timedelta(days=days, hours=1)
    line = lines[_LINE]
    assert line.verdict is verdict
    assert line.detail.startswith(f"until {until.day} {until:%b %Y}")
    assert ("days left" in line.detail or "1 day left" in line.detail) is (verdict is Verdict.LIMITED)
    assert bool(line.next_step) is (verdict is Verdict.LIMITED)
    assert lines["May read services"].verdict is Verdict.OK


async def test_an_expired_certificate_fails_the_test_and_nothing_is_sent(tmp_path: Path) -> None:
    (line,) = (await _lines(tmp_path, -2)).values()
    assert (line.name, line.verdict, line.code) == (_LINE, Verdict.FAILED, "gateway_tls_failed")
    assert "expired" in line.detail
    assert line.next_step
