"""Which addresses Aforo calls: never metadata, link-local or reserved ones; private ones where that is allowed."""

import ipaddress
import socket
from typing import Final

from aforo.gateway_sdk.errors import TargetRefused

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA_HOSTS: Final = frozenset(
    {
        "metadata.google.internal",
        "metadata.goog",
        "metadata",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
_METADATA_ADDRESSES: Final = frozenset(
    {
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    }
)
_NAT64: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""RFC 6052 and RFC 8215: the IPv4 address stands in the last 32 bits."""


def check_address(host: str, address: str, *, allow_private: bool) -> None:
    """Raise TargetRefused for an address, to which `host` resolves, that Aforo does not call."""
    ip = _meant(ipaddress.ip_address(address.split("%", maxsplit=1)[0]))
    if str(ip) in _METADATA_ADDRESSES or _is_never_a_gateway(ip):
        raise _never(host)
    if not allow_private and not ip.is_global:
        raise TargetRefused(
            f"{host} is a private or loopback address, which this installation does not call.",
            next_step="Set AFORO_ALLOW_PRIVATE_TARGETS=true if your gateways live on a private network.",
        )


def check_name(host: str) -> None:
    """Raise TargetRefused for the name of a metadata service."""
    if host.lower().rstrip(".") in _METADATA_HOSTS:
        raise _never(host)


def check_unresolved(host: str, *, allow_private: bool) -> None:
    """All that can be said of a host that a proxy resolves: its name, or its address in any of the ways to write it."""
    check_name(host)
    literal = _literal(host.rstrip("."))
    if literal is not None:
        check_address(host, literal, allow_private=allow_private)
    elif not allow_private and (host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost")):
        check_address(host, "127.0.0.1", allow_private=False)


def _literal(host: str) -> str | None:
    """An address in its usual form; None for a name. 2130706433, 0x7f.1 and 127.1 are addresses too."""
    try:
        return str(ipaddress.ip_address(host.split("%", maxsplit=1)[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _meant(ip: Ip) -> Ip:
    """What is called in the end: the IPv4 address that an IPv6 one carries."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if any(ip in network for network in _NAT64):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def _is_never_a_gateway(ip: Ip) -> bool:
    if ip.is_loopback:  # ::1 lies in a range that counts as reserved
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or ip.teredo is not None):
        return True
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved


def _never(host: str) -> TargetRefused:
    return TargetRefused(
        f"{host} is a metadata, link-local or reserved address. Aforo never calls those; no request was sent.",
        next_step="Give the address of the gateway's management API.",
    )
