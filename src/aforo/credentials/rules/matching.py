"""Which customer an existing consumer seems to be, and why. A guess that a person confirms."""

from collections.abc import Callable, Iterable, Sequence

from aforo.credentials.model import Buyer, Match
from aforo.gateway_sdk.provision import Existing

_Traits = Callable[[Existing], "set[str]"]
_Trait = Callable[[Buyer], "str | None"]


def match(found: Existing, buyers: Sequence[Buyer]) -> Match:
    """By external id, else e-mail, else name; the first of these that fits anybody decides."""
    for word, theirs, ours in _WAYS:
        wanted = theirs(found)
        fitting = [buyer for buyer in buyers if (told := ours(buyer)) and told in wanted]
        if len(fitting) == 1:
            return Match(fitting[0].id, f"same {word}")
        if fitting:
            names = ", ".join(buyer.name for buyer in fitting[:3])
            return Match(None, f"{len(fitting)} customers have this {word}: {names}")
    return Match(None, "no customer has its external id, e-mail or name")


def _external_ids(found: Existing) -> set[str]:
    return _known((found.external_id, found.name, found.application_name))


def _emails(found: Existing) -> set[str]:
    return {mail.casefold() for mail in _known((found.email, found.name)) if "@" in mail}


def _names(found: Existing) -> set[str]:
    return {plain for name in _known((found.name, found.application_name)) if (plain := _plain(name))}


def _known(values: Iterable[str | None]) -> set[str]:
    return {value for value in values if value}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


_WAYS: tuple[tuple[str, _Traits, _Trait], ...] = (
    ("external id", _external_ids, lambda buyer: buyer.external_id),
    ("id", _external_ids, lambda buyer: buyer.id),
    ("e-mail", _emails, lambda buyer: buyer.email and buyer.email.casefold()),
    ("name", _names, lambda buyer: _plain(buyer.name)),
)
