"""`python -m migrations up|status|check`: the production form of `oneid migrate`."""

import asyncio
import sys

from migrations.catalog import MigrationError
from migrations.runner import connected
from oneid.errors import Retriable
from oneid.settings import InvalidSettings, Settings


async def run(command: str) -> int:
    """Runs a command and returns the exit code: 0 well, 1 not up to date or failed, 2 no such command."""
    if command not in ("up", "status", "check"):
        sys.stderr.write("usage: python -m migrations up|status|check\n")
        return 2
    async with connected(Settings()) as runner:
        if command == "up":
            applied = await runner.up()
            return _say([f"applied {id}" for id in applied] or ["nothing to do"])
        if command == "status":
            return _say([f"{s.id}  {s.name}  {s.state}  {s.applied_at or ''}" for s in await runner.status()])
        faults = await runner.check()
        _say(faults or ["both stores are as this code needs them"])
        return 1 if faults else 0


def _say(lines: list[str]) -> int:
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in lines)
    return 0


def main() -> int:
    try:
        return asyncio.run(run(" ".join(sys.argv[1:])))
    except (MigrationError, Retriable, InvalidSettings) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
