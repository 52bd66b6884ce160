"""Which addresses are called: metadata and link-local ones never, in whatever way they are written."""

import pytest

from aforo.gateway_sdk.errors import TargetRefused
from aforo.gateway_sdk.transport.addresses import check_address, check_unresolved

NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "240.0.0.1",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001:0:808:808::5601:5601",
]
PRIVATE = ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "::1", "fd12::1", "64:ff9b::a00:1"]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called_not_even_where_private_ones_are(address: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        check_address("host", address, allow_private=True)
    assert "never" in refused.value.detail


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_called_only_where_that_is_allowed(address: str) -> None:
    check_address("host", address, allow_private=True)
    with pytest.raises(TargetRefused) as refused:
        check_address("host", address, allow_private=False)
    assert "AFORO_ALLOW_PRIVATE_TARGETS" in str(refused.value)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_called_also_through_a_network_that_has_only_ipv6(address: str) -> None:
    check_address("host", address, allow_private=False)


@pytest.mark.parametrize(
    "host",
    [
        *NEVER,
        "2852039166",
        "0xa9fea9fe",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "169.254.169.254.",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
        "metadata.goog",
        "instance-data",
    ],
)
def test_behind_a_proxy_a_forbidden_host_is_known_by_name_and_in_each_way_to_write_its_address(host: str) -> None:
    with pytest.raises(TargetRefused):
        check_unresolved(host, allow_private=True)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "017700000001", "localhost", "a.localhost", "10.1"])
def test_behind_a_proxy_a_private_address_is_refused_in_each_way_to_write_it(host: str) -> None:
    check_unresolved(host, allow_private=True)
    with pytest.raises(TargetRefused):
        check_unresolved(host, allow_private=False)


@pytest.mark.parametrize("host", ["kong.internal", "93.184.216.34", "admin.example", "beef", "0x-admin.example"])
def test_behind_a_proxy_names_are_left_to_the_proxy(host: str) -> None:
    check_unresolved(host, allow_private=False)
