"""A filter over 128-bit keys: never says "not there" of one that is, seldom "maybe" of one that is not.

A Bloom filter of two 64-bit words a key, 4 bits set in each, 16 bits of filter a key: about one false "maybe" in 500.
All operations take whole arrays. Half of a key (`high`) chooses the words, the other half (`low`) the bits.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint64]
_KEYS_A_WORD: Final = 4
_HALF: Final = np.uint64(32)
_LOWER: Final = np.uint64(0xFFFFFFFF)
_SIX: Final = np.uint64(63)
_ONE: Final = np.uint64(1)


def empty(count: int) -> Words:
    """Room for so many keys."""
    return np.zeros(max(64, count // _KEYS_A_WORD), np.uint64)


def add(words: Words, high: Words, low: Words) -> None:
    first, second = _places(words, high)
    np.bitwise_or.at(words, first, _bits(low, 0))
    np.bitwise_or.at(words, second, _bits(low, 24))


def may_hold(words: Words, high: Words, low: Words) -> NDArray[np.bool_]:
    """For each key whether it may be there."""
    first, second = _places(words, high)
    bits, others = _bits(low, 0), _bits(low, 24)
    found: NDArray[np.bool_] = ((words[first] & bits) == bits) & ((words[second] & others) == others)
    return found


def _places(words: Words, high: Words) -> tuple[Words, Words]:
    size = np.uint64(len(words))
    return (high >> _HALF) * size >> _HALF, (high & _LOWER) * size >> _HALF


def _bits(low: Words, start: int) -> Words:
    bits = _ONE << (low >> np.uint64(start) & _SIX)
    for shift in range(start + 6, start + 24, 6):
        bits |= _ONE << (low >> np.uint64(shift) & _SIX)
    return bits
