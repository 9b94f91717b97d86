"""Consents: which statement counts, what is kept again, and what is refused."""

from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest

from oneid.domain.consents import (
    MAX_CONSENTS,
    Consent,
    ConsentChange,
    ConsentState,
    Statement,
    answers,
    changed,
    from_stored,
    histories,
    statement,
    to_stored,
    with_new,
)
from oneid.domain.messages import format_time
from oneid.errors import InvalidInput, LimitExceeded, OneIdError, TooLarge

GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(
    *told: tuple[str, ConsentState], purpose: str = "marketing", now: datetime = NOON
) -> tuple[Consent, ...]:
    """What counts after these statements, one after the other."""
    held: tuple[Consent, ...] = ()
    for channel, state in told:
        new = changed(held, Statement(channel, purpose, state, "test"), now)
        held = with_new(held, new) if new else held
    return held


def consent(at: int, state: ConsentState, id_: str = "x") -> Consent:
    return Consent("email", "marketing", format_time(NOON + timedelta(milliseconds=at)), state, id_)


def test_what_was_said_last_of_a_channel_or_of_all_channels_counts() -> None:
    for told in product(product(("email", "sms", "all"), (GRANTED, WITHDRAWN)), repeat=4):
        last = {channel: state for channel, state in told}
        for channel in ("email", "sms"):
            if channel in last:
                last[channel] = next(state for one, state in reversed(told) if one in (channel, "all"))
        expected = sorted(f"{channel}/marketing={state}" for channel, state in last.items())

        assert answers(said(*told)) == expected


def test_purposes_are_apart() -> None:
    held = (*said(("email", GRANTED)), *said(("all", WITHDRAWN), purpose="third_party"))

    assert answers(held) == ["all/third_party=WITHDRAWN", "email/marketing=GRANTED"]


@pytest.mark.parametrize(
    ("told", "again"),
    [
        ([("email", GRANTED)], False),
        ([("email", WITHDRAWN)], True),
        ([("all", GRANTED)], True),
        ([("email", GRANTED), ("all", GRANTED)], False),
        ([("email", GRANTED), ("all", WITHDRAWN)], True),
        ([("email", GRANTED), ("sms", WITHDRAWN)], False),
    ],
)
def test_only_what_does_not_count_already_is_kept(told: list[tuple[str, ConsentState]], again: bool) -> None:
    new = changed(said(*told), Statement("email", "marketing", GRANTED, "test"), NOON)

    assert (new is not None) == again


def test_all_channels_are_withdrawn_again_where_one_was_granted_since() -> None:
    held = said(("all", WITHDRAWN), ("sms", GRANTED), ("all", WITHDRAWN))

    assert answers(held) == ["all/marketing=WITHDRAWN", "sms/marketing=WITHDRAWN"]


def test_what_is_said_later_has_a_later_time_though_the_clock_went_back() -> None:
    first = said(("email", GRANTED))
    new = changed(first, Statement("all", "marketing", WITHDRAWN, "test"), NOON - timedelta(seconds=5))

    assert new
    assert new.at == "2026-03-01T12:00:00.001Z"
    assert answers(with_new(first, new)) == ["all/marketing=WITHDRAWN", "email/marketing=WITHDRAWN"]


def test_texts_are_in_the_order_of_what_counts() -> None:
    ordered = [consent(0, WITHDRAWN), consent(1, GRANTED), consent(1, WITHDRAWN), consent(2, GRANTED)]
    texts = [to_stored(one) for one in ordered]

    assert sorted(texts) == texts
    assert [from_stored(text) for text in texts] == ordered


def test_a_history_has_the_newest_first_and_each_change_once_with_its_evidence() -> None:
    first, second, third = (consent(n, state) for n, state in enumerate((GRANTED, WITHDRAWN, GRANTED)))
    told = [
        ConsentChange(first, "web"),
        ConsentChange(second, "web", {"form": 7}),
        ConsentChange(second, "web"),
        ConsentChange(third, "web"),
    ]
    for order in permutations(told):
        (history,) = histories(order)
        assert [change.consent for change in history.changes] == [third, second, first]
        assert history.changes[1].evidence == {"form": 7}
        assert history.effective is GRANTED


def refusal(**given: Any) -> OneIdError:
    usual: dict[str, Any] = {
        "channel": "email",
        "purpose": "marketing",
        "state": GRANTED,
        "source": "web",
        "evidence": None,
    }
    with pytest.raises(OneIdError) as refused:
        statement(**{**usual, **given})
    return refused.value


@pytest.mark.parametrize("key", ["", "e-mail", "a" * 41, "电邮", "email\n", "a b"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    assert (type(refusal(channel=key)), refusal(channel=key).field) == (InvalidInput, ("channel",))
    assert (type(refusal(purpose=key)), refusal(purpose=key).field) == (InvalidInput, ("purpose",))


def test_too_much_evidence_or_none_that_is_json_and_no_source_are_refused() -> None:
    assert (type(refusal(evidence="x" * 4_000)), refusal(evidence="x" * 4_000).field) == (
        TooLarge,
        ("evidence",),
    )
    assert (type(refusal(evidence=2**70)), refusal(evidence=2**70).field) == (InvalidInput, ("evidence",))
    assert refusal(source="").field == ("source",)


def test_capitals_make_no_difference() -> None:
    assert statement("EMAIL", "Marketing", GRANTED, "web", None).pair == ("email", "marketing")


def test_a_customer_has_so_many_pairs_and_may_change_those_and_withdraw_others() -> None:
    held = said(*((f"c{n}", GRANTED) for n in range(MAX_CONSENTS)))
    assert len(held) == MAX_CONSENTS

    with pytest.raises(LimitExceeded) as refused:
        changed(held, Statement("another", "marketing", GRANTED, "test"), NOON)

    assert refused.value.field == ("channel",)
    assert changed(held, Statement("c7", "marketing", WITHDRAWN, "test"), NOON)
    assert changed(held, Statement("another", "marketing", WITHDRAWN, "test"), NOON)
