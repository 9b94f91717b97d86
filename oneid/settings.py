"""Settings: environment variables with the prefix ONEID_, also from a .env file."""

from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "ONEID_"
SERVERS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "neo4j_url": (
        ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"),
        "bolt://host:7687 or neo4j+s://host",
    ),
    "redis_url": (("redis", "rediss"), "redis://host:6379/0 or rediss://user:password@host:6379/0"),
    "opensearch_url": (("http", "https"), "http://host:9200 or https://user:password@host"),
}
"""What the address of each server may begin with, and examples."""


class InvalidSettings(Exception):
    """A setting makes no sense; the message names its variable and says why, without its value."""


class Settings(BaseSettings):
    """One frozen object, built once by whoever starts a process. Empty variables are as good as missing ones;
    missing server URLs mean the embedded ones. Raises InvalidSettings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    neo4j_url: str | None = None
    neo4j_user: str = "neo4j"
    neo4j_password: SecretStr | None = None
    opensearch_url: str | None = None
    redis_url: str | None = None

    data_dir: Path = Path(".oneid")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    mode: Literal["sandbox", "live"] = "live"
    admin_key: SecretStr | None = None
    write_key: SecretStr | None = None
    timezone: str = "Asia/Shanghai"
    phone_region: str = "CN"

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where a consumer or worker serves /metrics; the API serves its own. Give each process its own."""

    rate_points: int = Field(default=50_000, ge=1)
    """Points a second that come back to each key of the GraphQL API; `customer` costs one to three of them."""
    rate_burst: int = Field(default=200_000, ge=10_000)
    """The most points that a key has. No operation may cost more than the least of this."""

    index_prefix: str = "oneid"
    event_shards: int = Field(default=1, ge=1)
    partitions: int = Field(default=1, ge=1)
    dedupe_hours: int = Field(default=24, ge=24)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidSettings(_sentence(error)) from None

    @field_validator(*SERVERS)
    @classmethod
    def _is_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        schemes, examples = SERVERS[info.field_name or ""]
        if value is not None and not _is_url(value, schemes):
            raise ValueError(f"is no address of this server: write {examples}")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # unknown, no name at all, or a folder of names
            raise ValueError("is no time zone: write one such as Asia/Shanghai") from None
        return value

    @field_validator("phone_region")
    @classmethod
    def _is_region(cls, value: str) -> str:
        from phonenumbers import SUPPORTED_REGIONS  # slow to import, and mostly the default stands

        region = value.strip().upper()
        if region not in SUPPORTED_REGIONS:
            raise ValueError("is no region with phone numbers: write two letters such as CN")
        return region


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _sentence(error: ValidationError) -> str:
    """What is wrong with each variable."""
    found = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{PREFIX}{str(fault['loc'][0]).upper()} {_reason(fault['msg'])}" for fault in found)


def _reason(message: str) -> str:
    plain = message.removeprefix("Value error, ").replace("Input should", "should")
    return plain[:1].lower() + plain[1:]
