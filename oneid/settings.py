"""Settings: environment variables with the prefix ONEID_, also from a .env file."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One frozen object, built once by whoever starts a process. Empty server URLs mean the embedded ones."""

    model_config = SettingsConfigDict(env_prefix="ONEID_", env_file=".env", extra="ignore", frozen=True)

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
    phone_region: str = Field(default="CN", pattern="^[A-Z]{2}$")

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where a consumer or worker serves /metrics; the API serves its own. Give each process its own."""

    index_prefix: str = "oneid"
    event_shards: int = Field(default=1, ge=1)
    partitions: int = Field(default=1, ge=1)
    dedupe_hours: int = Field(default=24, ge=24)
