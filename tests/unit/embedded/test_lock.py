"""One owner for a data directory."""

import os
from pathlib import Path

import pytest

from oneid.embedded.errors import DataDirInUse
from oneid.embedded.lock import DataDirLock


def test_a_second_owner_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with (
        DataDirLock(tmp_path),
        pytest.raises(DataDirInUse, match=rf"already running on .* \(process {os.getpid()}\)"),
        DataDirLock(tmp_path),
    ):
        pass


def test_the_directory_is_free_again_when_its_owner_ends(tmp_path: Path) -> None:
    with DataDirLock(tmp_path):
        pass
    with DataDirLock(tmp_path):
        pass


def test_a_new_data_directory_is_closed_to_others(tmp_path: Path) -> None:
    with DataDirLock(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
