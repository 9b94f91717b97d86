"""`oneid compact`: rewrites the embedded stores, with oneid stopped."""

from oneid.cli.output import errors_as_sentences, out
from oneid.embedded.compaction import compact as rewrite
from oneid.settings import Settings


def compact() -> None:
    """Rewrite the embedded data, so that no byte of what was deleted or erased is left. Stop oneid first."""
    with errors_as_sentences():
        rewrite(Settings().data_dir.resolve(), out)
