"""Currencies of ISO 4217 that are in use, and how many decimals their amounts are paid in."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

EXACT: Final = Context(prec=200)
"""Wide enough that no sum or product of ours is ever rounded in it."""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NO_DECIMALS: Final = _codes("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF")
_THREE_DECIMALS: Final = _codes("BHD IQD JOD KWD LYD OMR TND")
_FOUR_DECIMALS: Final = _codes("CLF UYW")
_TWO_DECIMALS: Final = _codes(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR "
    "ZMW ZWG "
)
CURRENCIES: Final = _NO_DECIMALS | _TWO_DECIMALS | _THREE_DECIMALS | _FOUR_DECIMALS


def minor_units(currency: str) -> int:
    """How many decimals an amount is paid in: 2 for EUR, 0 for JPY."""
    if currency in _NO_DECIMALS:
        return 0
    if currency in _THREE_DECIMALS:
        return 3
    return 4 if currency in _FOUR_DECIMALS else 2


def payable(amount: Decimal, currency: str) -> Decimal:
    """The amount as it is paid: half-even to the currency's minor units, so that halves do not add up one way."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_EVEN, EXACT)


def plain(number: Decimal) -> str:
    """Decimal text without exponent or needless zeros: `0.001`, `1000`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
