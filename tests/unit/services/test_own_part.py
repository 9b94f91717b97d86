"""What a person's own copy says of decisions that are about somebody else first."""

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.services.exporting import own_part


def ids(*keys: str) -> tuple[Identifier, ...]:
    return tuple(map(Identifier.from_key, keys))


def decision(
    kind: DecisionKind, one_id: str, kept: str, dropped: str = "", other: str | None = None
) -> Decision:
    of = [ids(*keys.split()) for keys in (kept, dropped)]
    return Decision("d", 1, kind, "2026", "m", 1, one_id, kept=of[0], dropped=of[1], other_one_id=other)


def test_who_lost_an_identifier_does_not_learn_who_has_it_now() -> None:
    had = set[Identifier]()
    created = decision(DecisionKind.CREATED, "mine", "user_id:u1 device_id:d1")
    assert own_part(created, ["mine"], had) == created
    moved = decision(DecisionKind.TRANSFERRED, "theirs", "user_id:u2 device_id:d1", other="mine")
    assert own_part(moved, ["mine"], had).kept == ids("device_id:d1")
    assert own_part(moved, ["theirs"], set()) == moved


def test_who_was_split_off_does_not_learn_what_stayed() -> None:
    split = decision(DecisionKind.SPLIT, "theirs", "user_id:u1", "user_id:u2", "mine")
    told = own_part(split, ["mine"], set())
    assert (told.kept, told.dropped) == ((), ids("user_id:u2"))
