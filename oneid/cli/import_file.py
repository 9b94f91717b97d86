"""A file being imported: its lines, how far reading has got, and the rows that failed."""

import gzip
import io
import json
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from oneid.domain.imports.rows import BadRow
from oneid.errors import InvalidInput, NotFound

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Decoded lines; `position` and `size` in bytes of the file as it lies on the disk."""

    lines: IO[str]
    raw: IO[bytes]
    size: int

    def position(self) -> int:
        return self.raw.tell()


@contextmanager
def opened(path: Path, encoding: str) -> Generator[OpenFile]:
    """The file, unpacked if it is gzip whatever its name. Bytes that are no text become lone surrogates."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    with raw:
        packed = raw.peek(2)[:2] == _GZIP_MAGIC
        content = gzip.GzipFile(fileobj=raw) if packed else raw
        try:
            lines = io.TextIOWrapper(content, encoding=encoding, errors="surrogateescape", newline="")
        except LookupError:
            raise InvalidInput(f"{encoding!r} is no encoding", field=("encoding",)) from None
        with lines:
            try:
                yield OpenFile(lines, raw, path.stat().st_size)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise InvalidInput(f"{path} is damaged: {error}") from None


@dataclass
class ErrorFile:
    """Rows that failed, one JSON object a line with line, column and reason. Made with the first of them;
    what an earlier run left is removed at the start."""

    path: Path
    count: int = 0
    _file: IO[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.path.unlink(missing_ok=True)

    def add(self, row: BadRow) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        self.count += 1
        entry = {"line": row.line, "column": row.column, "reason": row.reason}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def close(self) -> None:
        if self._file:
            self._file.close()
