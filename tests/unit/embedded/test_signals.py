"""Ctrl-C and SIGTERM end a block once."""

import os
import signal

import pytest

from oneid.embedded.signals import uninterrupted, until_stopped


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_block_without_an_error(number: signal.Signals) -> None:
    reached = False
    with until_stopped():
        os.kill(os.getpid(), number)
        reached = True
    assert not reached


def test_a_second_signal_does_not_interrupt_the_cleaning_up() -> None:
    cleaned = False
    with until_stopped():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            cleaned = True
    assert cleaned


def test_no_signal_interrupts_what_must_not_be() -> None:
    with until_stopped(), uninterrupted():
        os.kill(os.getpid(), signal.SIGTERM)
        reached = True
    assert reached


def test_the_earlier_handlers_are_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with until_stopped():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_errors_leave_the_block() -> None:
    with pytest.raises(ValueError, match="other"), until_stopped():
        raise ValueError("other")
