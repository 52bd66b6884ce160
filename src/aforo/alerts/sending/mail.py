"""E-mail by SMTP. The library speaks the protocol; the connection is made here, to an address that was checked."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from aforo.alerts.model import Delivery, Event, Outcome
from aforo.alerts.rules import message
from aforo.alerts.rules.addresses import MailPlace
from aforo.gateway_sdk.errors import TargetRefused
from aforo.gateway_sdk.transport.addresses import check_address, check_name

_STEP_SECONDS: Final = 10.0
_SECONDS: Final = 30.0
_THREADS = ThreadPoolExecutor(64, thread_name_prefix="mail")
"""Threads are made when needed; as many that one mail server that hangs holds up nobody else."""


async def send(place: MailPlace, delivery: Delivery, now: datetime, *, allow_private: bool) -> Outcome:
    """The Message-ID is made of the delivery's id, so it is the same in every try."""
    letter = _letter(place, delivery, now)
    session = _Session(place, allow_private=allow_private)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_SECONDS):
            answer = await loop.run_in_executor(_THREADS, session.deliver, letter)
    except TimeoutError:
        session.abort()
        return Outcome(ok=False, answer=f"The mail server took longer than {_SECONDS:.0f} s.")
    except asyncio.CancelledError:
        session.abort()
        raise
    except TargetRefused as fault:
        return Outcome(ok=False, answer=fault.detail)
    except smtplib.SMTPRecipientsRefused as fault:
        code, words = next(iter(fault.recipients.values()))
        return Outcome(ok=False, answer=_told(code, words))
    except smtplib.SMTPResponseException as fault:
        return Outcome(ok=False, answer=_told(fault.smtp_code, fault.smtp_error))
    except (smtplib.SMTPException, OSError, UnicodeError) as fault:
        return Outcome(ok=False, answer=f"No delivery: {str(fault) or type(fault).__name__}.")
    return Outcome(ok=True, answer=answer)


class _Session:
    """One connection, in a thread of its own; `abort` ends it from outside."""

    def __init__(self, place: MailPlace, *, allow_private: bool) -> None:
        self._place = place
        self._allow_private = allow_private
        self._socket: socket.socket | None = None
        self._aborted = False

    def deliver(self, letter: EmailMessage) -> str:
        """The server's last word. Raises smtplib.SMTPException, OSError or TargetRefused."""
        place = self._place
        self._socket = connected(place.host, place.port, allow_private=self._allow_private)
        tls = ssl.create_default_context()
        if place.implicit_tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname=place.host)
        with _Smtp(self._socket, place.host, place.port) as smtp:
            if place.starttls and not place.implicit_tls:
                smtp.starttls(context=tls)
            if place.user is not None:
                smtp.login(place.user, place.password or "")
            if self._aborted:
                raise smtplib.SMTPServerDisconnected("given up")
            return smtp.handed_over(letter, place)

    def abort(self) -> None:
        self._aborted = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()


class _Smtp(smtplib.SMTP):
    """On a connection that stands already."""

    def __init__(self, connection: socket.socket, host: str, port: int) -> None:
        self._connection = connection
        super().__init__(host, port, timeout=_STEP_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del host, port, timeout
        return self._connection

    def handed_over(self, letter: EmailMessage, place: MailPlace) -> str:
        """All recipients or none: one that is refused must not be lost behind those that are not."""
        self.ehlo_or_helo_if_needed()
        for code, words in (self.mail(place.sender), *(self.rcpt(one) for one in place.recipients)):
            if code not in (250, 251):
                self._rset()
                raise smtplib.SMTPResponseException(code, words)
        code, words = self.data(letter.as_bytes())
        if code != 250:
            raise smtplib.SMTPResponseException(code, words)
        return _told(code, words)

    def _rset(self) -> None:
        with contextlib.suppress(smtplib.SMTPServerDisconnected):
            self.rset()


def connected(host: str, port: int, *, allow_private: bool) -> socket.socket:
    """A connection to an address that Aforo may call; the name is resolved once. Raises TargetRefused or OSError."""
    check_name(host)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    for address in addresses:
        check_address(host, address, allow_private=allow_private)
    fault: OSError | None = None
    for address in addresses[:4]:
        try:
            return socket.create_connection((address, port), timeout=_STEP_SECONDS)
        except OSError as refused:
            fault = refused
    raise fault or OSError(f"the name {host} does not resolve")


def _letter(place: MailPlace, delivery: Delivery, now: datetime) -> EmailMessage:
    domain = place.sender.rpartition("@")[2]
    letter = EmailMessage()
    letter["From"] = place.sender
    letter["To"] = ", ".join(place.recipients)
    letter["Subject"] = message.subject(delivery.payload)
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<{delivery.id}@{domain}>"
    if delivery.event is not Event.TEST:
        letter["References"] = f"<{delivery.alert_id}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text(delivery.payload))
    return letter


def _told(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
