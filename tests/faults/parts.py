"""oneid's own processes, each by itself, on servers of which each is behind a proxy."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from oneid.embedded.ports import free_port
from tests.faults.proxy import BOLT_COMMIT, Proxy, proxy
from tests.servers import Servers

ADMIN: Final = "sk_sandbox_parts_0123456789abcdef0123456789abcdef0123456789abcdef"
WRITE: Final = "write-key-of-the-parts"
COMMANDS: Final = {
    "api": ("uvicorn", "api.app:app", "--host", "127.0.0.1", "--no-access-log"),
    "consumer": ("workers.consumer",),
    "worker": ("arq", "workers.settings.WorkerSettings"),
}


@dataclass
class Part:
    """One process: where it answers, and what it logs."""

    name: str
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Returns when it answers."""
        command = [sys.executable, "-m", *COMMANDS[self.name]]
        if self.name == "api":
            command += ["--port", str(self.port)]
        environment = {**os.environ, **self.environment, "ONEID_METRICS_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=log, stderr=log
            )
        async with asyncio.timeout(240):
            while not await self.is_well():
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.1)

    async def is_well(self) -> bool:
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=5) as http:
                return (await http.get(f"{self.url}/healthz")).status_code == 200
        return False

    async def kill(self) -> None:
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def said(self) -> str:
        return self.log.read_text()

    async def says(self, words: str, seconds: float, since: int = 0) -> None:
        """Returns when its log holds the words, past the first `since` characters."""
        async with asyncio.timeout(seconds):
            while words not in self.said()[since:]:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.05)


@dataclass
class Parts:
    """The processes, and the proxies in front of the servers that they use."""

    api: Part
    consumer: Part
    worker: Part
    proxies: dict[str, Proxy]
    http: httpx.AsyncClient

    async def track(self, **body: Any) -> httpx.Response:
        body = {"event": "Seen", **body}
        return await self.http.post(f"{self.api.url}/v1/track", json=body, auth=(WRITE, ""))

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (
            await self.http.post(
                f"{self.api.url}/graphql",
                json={"query": query, "variables": variables},
                headers={"authorization": f"Bearer {ADMIN}"},
            )
        ).json()
        return answer


@asynccontextmanager
async def parts(
    servers: Servers, folder: Path, *names: str, marker: bytes = BOLT_COMMIT, **environment: str
) -> AsyncGenerator[Parts]:
    """These processes started, the others to be started by the test; all killed at the end."""
    urls = {"neo4j": servers.neo4j, "opensearch": servers.opensearch, "redis": servers.redis}
    async with AsyncExitStack() as stack:
        proxies = {
            name: await stack.enter_async_context(proxy(urlsplit(url).port or 0, marker))
            for name, url in urls.items()
        }
        environment |= {
            f"ONEID_{name.upper()}_URL": urlsplit(url)
            ._replace(netloc=f"127.0.0.1:{proxies[name].port}")
            .geturl()
            for name, url in urls.items()
        }
        environment |= {"ONEID_MODE": "sandbox", "ONEID_ADMIN_KEY": ADMIN, "ONEID_WRITE_KEY": WRITE}
        made = {name: Part(name, environment, folder / f"{name}.log") for name in COMMANDS}
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        for part in made.values():
            stack.push_async_callback(part.kill)
        await asyncio.gather(*(made[name].start() for name in names))
        yield Parts(**made, proxies=proxies, http=http)
