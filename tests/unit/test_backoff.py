from oneid.backoff import Backoff


def test_pauses_double_up_to_the_longest_and_are_shortened_at_random() -> None:
    backoff = Backoff(first=1, longest=4)
    for pause, most in zip([backoff.next() for _ in range(4)], (1, 2, 4, 4), strict=True):
        assert most / 2 <= pause <= most
    backoff.reset()
    assert backoff.next() <= 1


def test_two_who_fail_together_do_not_come_back_together() -> None:
    assert len({Backoff().next() for _ in range(20)}) > 10
