"""A model of scores as the graph records it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from oneid.domain.scores.rfm import RfmModel
from oneid.domain.scores.vap import VapModel
from oneid.errors import InvalidInput

KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

Spec: TypeAlias = RfmModel | VapModel


class ScoreKind(StrEnum):
    """What is scored: recency, frequency, monetary value; or value, attrition, potential."""

    RFM = "RFM"
    VAP = "VAP"


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """A model by its key. `conditions`: the ids of the timed conditions that it needs."""

    key: str
    kind: ScoreKind
    spec: Spec
    version: int
    conditions: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises InvalidInput where the key or the thresholds make no sense."""
        if not KEY.fullmatch(self.key):
            message = "a key has 1 to 64 small letters, digits, _ or -, and starts with a letter or a digit"
            raise InvalidInput(message, field=("key",))
        self.spec.check()
