"""The condition on consents: what was said of a channel, or of all of them, whichever was later."""

from typing import Any, Final

from oneid.domain.consents import ALL_CHANNELS, ConsentState, answer
from oneid.domain.segments.rules import ConsentRule

FIELD: Final = "consents"


def consented(rule: ConsentRule) -> dict[str, Any]:
    """The query for who said so, or said nothing. A document has the last word for each channel that was spoken of
    by itself; for any other that for all channels is the last."""
    own = [answer(rule.channel, rule.purpose, state) for state in ConsentState]
    general = [answer(ALL_CHANNELS, rule.purpose, state) for state in ConsentState]
    if rule.state is None:
        return {"bool": {"must_not": [{"terms": {FIELD: [*own, *general]}}]}}
    said = {"term": {FIELD: answer(rule.channel, rule.purpose, rule.state)}}
    said_of_all = {"term": {FIELD: answer(ALL_CHANNELS, rule.purpose, rule.state)}}
    inherited = {"bool": {"filter": [said_of_all], "must_not": [{"terms": {FIELD: own}}]}}
    return {"bool": {"should": [said, inherited], "minimum_should_match": 1}}
