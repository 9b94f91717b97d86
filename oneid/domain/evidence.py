"""Prepared messages: what a message names, read once, before the graph is."""

from dataclasses import dataclass

from oneid.domain.extraction import Named, named
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Message
from oneid.domain.normalisation import Dropped, normalise
from oneid.domain.rules import IdentityRules


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message, what it names, and for an alias what its previousId may be: (anonymous_id, user_id)."""

    message: Message
    named: Named
    previous: tuple[Identifier, ...] = ()

    @property
    def keys(self) -> list[str]:
        """Keys of all identifiers whose state this message's resolution reads."""
        return [identifier.key for identifier in (*self.named.identifiers, *self.previous)]

    @property
    def consents(self) -> bool:
        """Whether the message says that its identifiers may be stitched together."""
        consent = self.message.context.get("consent")
        return isinstance(consent, dict) and consent.get("stitching") is True


def prepare(message: Message, rules: IdentityRules, region: str) -> Prepared:
    previous = list[Identifier]()
    if message.type == "alias" and rules.alias_merges:
        for kind in ("anonymous_id", "user_id"):
            try:
                previous.append(normalise(kind, message.payload.get("previousId"), rules, region))
            except Dropped:
                continue
    return Prepared(message, named(message, rules, region), tuple(previous))
