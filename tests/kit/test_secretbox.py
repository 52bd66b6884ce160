"""Sealed secrets: unreadable, immovable, unchangeable, and lost without the key."""

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aforo.kit.secretbox import MasterKeys, SecretBox, SecretLost

PLACE = {"tenant_id": "ten_1", "owner_id": "int_1", "field": "token"}


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_in_its_place(secret: bytes) -> None:
    box = SecretBox(MasterKeys({1: bytes(32)}))
    assert box.open(box.seal(secret, **PLACE), **PLACE) == secret


@given(st.binary(min_size=8, max_size=40), st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_refused(secret: bytes, place: int, flip: int) -> None:
    box = SecretBox(MasterKeys({1: bytes(32)}))
    sealed = bytearray(box.seal(secret, **PLACE))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(SecretLost):
        box.open(bytes(sealed), **PLACE)


@pytest.mark.parametrize("moved", [{"tenant_id": "ten_2"}, {"owner_id": "int_2"}, {"field": "password"}])
def test_a_record_moved_to_another_place_is_refused(moved: dict[str, str]) -> None:
    box = SecretBox(MasterKeys({1: bytes(32)}))
    with pytest.raises(SecretLost):
        box.open(box.seal(b"secret", **PLACE), **{**PLACE, **moved})


def test_parts_of_a_place_cannot_be_shifted_into_one_another() -> None:
    box = SecretBox(MasterKeys({1: bytes(32)}))
    sealed = box.seal(b"secret", tenant_id="ten_1", owner_id="ab", field="c")
    with pytest.raises(SecretLost):
        box.open(sealed, tenant_id="ten_1", owner_id="a", field="bc")


def test_nothing_opens_without_the_master_key() -> None:
    sealed = SecretBox(MasterKeys({1: bytes(32)})).seal(b"secret", **PLACE)
    for other in ({1: os.urandom(32)}, {2: bytes(32)}):
        with pytest.raises(SecretLost):
            SecretBox(MasterKeys(other)).open(sealed, **PLACE)


def test_after_a_rotation_old_records_open_and_new_ones_use_the_new_key() -> None:
    old = SecretBox(MasterKeys({1: bytes(32)}))
    both = SecretBox(MasterKeys({1: bytes(32), 2: b"2" * 32}))
    sealed = old.seal(b"secret", **PLACE)
    assert both.open(sealed, **PLACE) == b"secret"
    assert (both.key_id(sealed), both.key_id(both.seal(b"secret", **PLACE))) == (1, 2)


def test_a_fingerprint_outlives_a_rotation_and_differs_by_tenant() -> None:
    old, both = SecretBox(MasterKeys({1: bytes(32)})), SecretBox(MasterKeys({1: bytes(32), 2: b"2" * 32}))
    assert old.fingerprint(b"s", tenant_id="a") == both.fingerprint(b"s", tenant_id="a")
    assert old.fingerprint(b"s", tenant_id="a") != old.fingerprint(b"s", tenant_id="b")


def test_a_sealed_record_shows_nothing_of_its_secret() -> None:
    secret = b"kpat_very_secret_token_value"
    sealed = SecretBox(MasterKeys({1: os.urandom(32)})).seal(secret, **PLACE)
    assert secret not in sealed
    assert base64.b64encode(secret) not in sealed


def test_a_new_master_key_file_is_readable_by_its_owner_alone_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    first = SecretBox(MasterKeys.load_or_create(path)).seal(b"secret", **PLACE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SecretBox(MasterKeys.load_or_create(path)).open(first, **PLACE) == b"secret"
