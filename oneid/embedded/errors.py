"""What goes wrong with embedded servers, each said in one sentence."""


class ServerError(Exception):
    """An embedded server cannot be started, or did not stay up."""


class DataDirInUse(ServerError):
    """Another process owns the data directory."""


class ChecksumMismatch(ServerError):
    """A downloaded jar is not the one that the lock file names."""
