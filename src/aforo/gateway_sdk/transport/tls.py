"""TLS: the context of a connection, what its certificate says, and its faults in plain words."""

import os
import re
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

import httpx2

from aforo.gateway_sdk.errors import GatewayTlsFailed


@dataclass(frozen=True, slots=True)
class TlsSetup:
    """PEM texts: an extra CA bundle, and a client certificate with its key for mTLS. `proxy` is a URL."""

    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key: str | None = field(default=None, repr=False)
    proxy: str | None = None


def ssl_context(setup: TlsSetup) -> ssl.SSLContext:
    """Raises GatewayTlsFailed for PEM text that cannot be read."""
    if not setup.ca_bundle and not setup.client_cert:
        return _plain()
    context = ssl.create_default_context()
    try:
        if setup.ca_bundle:
            context.load_verify_locations(cadata=setup.ca_bundle)
        if setup.client_cert:
            _load_client_cert(context, setup.client_cert, setup.client_key or "")
    except (ssl.SSLError, ValueError) as fault:
        raise GatewayTlsFailed(
            f"The certificate or key given for this connection cannot be read: {words(str(fault))}.",
            next_step="Paste PEM text, with its BEGIN and END lines; the key must not have a passphrase.",
        ) from fault
    return context


@lru_cache(maxsize=1)
def _plain() -> ssl.SSLContext:
    """Nothing but the machine's own certificates: read once, since that takes as long as a call."""
    return ssl.create_default_context()


def certificate_until(response: httpx2.Response) -> datetime | None:
    """When the certificate that was shown expires; None without TLS."""
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream else None
    told = tls.getpeercert() if isinstance(tls, ssl.SSLObject) else None
    until = told.get("notAfter") if told else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if isinstance(until, str) else None


def is_fault(fault: BaseException | None) -> bool:
    """Whether TLS is what failed."""
    while fault is not None:
        if isinstance(fault, ssl.SSLError) or "SSL" in str(fault) or "certificate" in str(fault).lower():
            return True
        fault = fault.__cause__ or fault.__context__
    return False


def words(text: str) -> str:
    """OpenSSL's sentence without its file and line numbers."""
    return re.sub(r"\s*\(_ssl\.c:\d+\)", "", re.sub(r"^\[.*?\]\s*", "", text)).rstrip(".")


def _load_client_cert(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Python reads client certificates from files only; an anonymous memory file keeps the key off the disk."""
    handle = os.memfd_create("aforo-client-cert", os.MFD_CLOEXEC)
    try:
        os.write(handle, f"{certificate.strip()}\n{key.strip()}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
