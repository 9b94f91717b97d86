"""What comes out of an entry of the log."""

from oneid.log.events import Entry
from oneid.services.received import open_entry


def test_what_can_not_be_read_in_two_partitions_at_once_stays_two_messages() -> None:
    entry = Entry(id="1700000000000-0", body=b"{]", reply_to=None)
    ids = [one.message.message_id for partition in (0, 1) for one in open_entry(entry, None, partition)]
    assert ids == ["unreadable-0/1700000000000-0", "unreadable-1/1700000000000-0"]
