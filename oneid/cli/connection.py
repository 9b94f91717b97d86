"""Which servers a command talks to: those the settings name, else those that `oneid up` runs."""

from oneid.embedded import state
from oneid.settings import Settings

_SERVERS = ("neo4j", "redis", "opensearch")


def connected_settings() -> Settings:
    """The settings, completed from the state of a running `oneid up`, its mode too unless one is set."""
    settings = Settings()
    known = state.load(settings.data_dir)
    missing: dict[str, str] = {
        f"{name}_url": known.urls[name]
        for name in _SERVERS
        if getattr(settings, f"{name}_url") is None and name in known.urls
    }
    if missing and "mode" not in settings.model_fields_set:
        missing["mode"] = known.mode
    return settings.model_copy(update=missing)
