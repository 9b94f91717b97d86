"""`oneid stop`: ends what runs on the data directory, also what a killed `up` left."""

from oneid.cli.output import errors_as_sentences, out
from oneid.embedded import state
from oneid.embedded.process import stop_others
from oneid.embedded.servers import stop_leftovers
from oneid.settings import Settings

SUPERVISOR_SECONDS = 90  # the sum of what it grants its children


def stop() -> None:
    """Stop oneid on this data directory. Deletes nothing."""
    with errors_as_sentences():
        directory = Settings().data_dir.resolve()
        supervisor = state.load(directory).supervisor
        asked = stop_others([supervisor], SUPERVISOR_SECONDS) if supervisor else 0
        left = stop_leftovers(directory)
        out.print(_sentence(asked, left))


def _sentence(asked: int, left: int) -> str:
    if left:
        return f"stopped {left} processes that had no supervisor any more"
    return "stopped" if asked else "nothing was running"
