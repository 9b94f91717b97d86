"""One process owns a data directory at a time."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from oneid.embedded.errors import DataDirInUse


class DataDirLock:
    """An advisory lock on `data_dir`/lock, which the kernel drops when its owner dies, however it dies."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._file: int | None = None

    def __enter__(self) -> "DataDirLock":
        self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(descriptor, 20).decode() or "unknown"
            os.close(descriptor)
            raise DataDirInUse(
                f"oneid is already running on {self._data_dir} (process {owner}); stop it with: oneid stop"
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._file = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
