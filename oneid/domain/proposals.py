"""Merge proposals: customers that look like one person, for a person to decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from oneid.domain.matching import DEFAULT_FIELDS, FieldEvidence, MatchField
from oneid.errors import InvalidInput

MAX_FIELDS: Final = 16
MAX_PATH: Final = 200


@dataclass(frozen=True, slots=True)
class ProposalRequest:
    """What to compare, and how sure a proposal must be."""

    fields: Sequence[MatchField] = DEFAULT_FIELDS
    min_probability: float = 0.95

    def check(self) -> None:
        """Raises InvalidInput with the path into proposeMerges' input."""
        if not 2 <= len(self.fields) <= MAX_FIELDS:
            raise InvalidInput(f"compare 2 to {MAX_FIELDS} attributes", field=("fields",))
        for number, field in enumerate(self.fields):
            if not 0 < len(field.attribute) <= MAX_PATH:
                message = f"an attribute's name has 1 to {MAX_PATH} characters"
                raise InvalidInput(message, field=("fields", str(number), "attribute"))
            if field.attribute in (other.attribute for other in self.fields[:number]):
                raise InvalidInput("named twice", field=("fields", str(number), "attribute"))
        if not 0.5 <= self.min_probability < 1:
            raise InvalidInput("must be at least 0.5 and less than 1", field=("minProbability",))


@dataclass(frozen=True, slots=True)
class MergeProposal:
    """Customers by ONE-ID, the oldest first, that are one person with this probability; `weight` is it in bits."""

    id: str
    one_ids: tuple[str, ...]
    probability: float
    weight: float
    evidence: tuple[FieldEvidence, ...]
    proposed_at: str


def proposal_id(a: str, b: str) -> str:
    """The same for the same two customers."""
    return blake2b("|".join(sorted((a, b))).encode(), digest_size=16).hexdigest()
