"""Prepared messages: what a message names, read once, before the graph is."""

from contextlib import suppress
from dataclasses import dataclass

from oneid.domain.extraction import Named, named, present
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Message
from oneid.domain.normalisation import Dropped, normalise
from oneid.domain.rules import IdentityRules
from oneid.domain.tombstones import plain_key


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message, what it names, and for an alias that may merge what its previousId may be: (anonymous_id, user_id).
    `mentioned`: of any alias the keys of both, whether they count or not."""

    message: Message
    named: Named
    previous: tuple[Identifier, ...] = ()
    mentioned: tuple[str, ...] = ()

    @property
    def keys(self) -> list[str]:
        """Keys of all identifiers whose state this message's resolution reads."""
        return [identifier.key for identifier in (*self.named.identifiers, *self.previous)]

    @property
    def stored(self) -> tuple[str, ...]:
        """Keys that the event is found by in the index, where it must be found to forget them."""
        return tuple(dict.fromkeys([*(i.key for i in self.named.identifiers), *self.mentioned]))

    @property
    def consents(self) -> bool:
        """Whether the message says that its identifiers may be stitched together."""
        consent = self.message.context.get("consent")
        return isinstance(consent, dict) and consent.get("stitching") is True


def prepare(message: Message, rules: IdentityRules, region: str) -> Prepared:
    raw = message.payload.get("previousId") if message.type == "alias" else None
    readings = list(present(("anonymous_id", raw), ("user_id", raw)))
    mentioned = tuple(filter(None, (plain_key(kind, value, rules, region) for kind, value in readings)))
    previous = list[Identifier]()
    for kind, value in readings if rules.alias_merges else ():
        with suppress(Dropped):
            previous.append(normalise(kind, value, rules, region))
    return Prepared(message, named(message, rules, region), tuple(previous), mentioned)
