"""The documents keep their word: what they mark as run is run, in order, and answers as they say."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from graph.client import Graph
from graph.keys import ApiKeys
from oneid import bootstrap
from oneid.clock import SystemClock
from oneid.domain.keys import SCOPES, KeyKind
from oneid.embedded import state
from oneid.embedded.state import State
from oneid.services.keys import KeyService
from oneid.settings import Settings
from tests.serving import serving
from workers.consumer import consume

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN_URL = "http://127.0.0.1:8000"
PATIENCE = 30.0  # seconds until what was accepted shows
BLOCK = re.compile(r"^<!-- (run|answer) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)[^)]*\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a document that runs; `answer` is the JSON shown after it, "..." standing for any text."""

    language: str
    text: str
    answer: Any = None


def blocks_of(document: Path) -> list[Block]:
    found: list[Block] = []
    for mark, language, text in BLOCK.findall(document.read_text("utf-8")):
        if mark == "run":
            found.append(Block(language, text))
        else:
            found[-1] = Block(found[-1].language, found[-1].text, json.loads(text))
    return found


@dataclass(frozen=True)
class Stage:
    """A running oneid, and a directory that looks like one in which `make up` runs."""

    url: str
    directory: Path
    keys: dict[str, str]

    async def shell(self, script: str) -> str:
        """What a script prints."""
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-euo",
            "pipefail",
            "-c",
            script.replace(WRITTEN_URL, self.url).replace(".venv/bin/", f"{Path(sys.executable).parent}/"),
            cwd=self.directory,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, f"{script}\n{err.decode()}"
        return out.decode()

    async def ask(self, query: str) -> dict[str, Any]:
        """The data of a GraphQL operation; fails on any error."""
        async with httpx.AsyncClient(base_url=self.url, timeout=30, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {self.keys['admin']}"}
            answer = (await client.post("/graphql", json={"query": query}, headers=headers)).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data


@pytest.fixture
async def stage(clean: None, settings: Settings, graph: Graph, tmp_path: Path) -> AsyncGenerator[Stage]:
    """A oneid without data, with API and consumer."""
    service = KeyService(ApiKeys(graph), SystemClock(), "sandbox")
    keys = {
        "admin": await service.create("docs admin", KeyKind.SECRET, SCOPES),
        "write": await service.create("docs write", KeyKind.WRITE),
    }
    (tmp_path / ".oneid").mkdir()
    stop = asyncio.Event()
    async with serving(create_app(lambda: bootstrap.services(settings))) as url:
        consumer = asyncio.create_task(consume(settings, stop))
        state.save(tmp_path / ".oneid", State(urls={"api": url}, keys=keys))
        yield Stage(url, tmp_path, keys)
        stop.set()
        await consumer


def matches(shown: Any, actual: Any) -> bool:
    if isinstance(shown, dict) and isinstance(actual, dict):
        return shown.keys() == actual.keys() and all(matches(shown[key], actual[key]) for key in shown)
    if isinstance(shown, list) and isinstance(actual, list):
        return len(shown) == len(actual) and all(map(matches, shown, actual))
    return bool(shown == actual) or (shown == "..." and isinstance(actual, str))


async def check_query(stage: Stage, block: Block) -> None:
    """Asks until the answer is the one shown: what was accepted shows a moment later. Mutations run once."""
    data = await stage.ask(block.text)
    with suppress(TimeoutError):
        async with asyncio.timeout(0 if block.text.startswith("mutation") else PATIENCE):
            while block.answer is not None and not matches(block.answer, data):
                await asyncio.sleep(0.2)
                data = await stage.ask(block.text)
    assert block.answer is None or matches(block.answer, data), (block.text, data)


async def check_script(stage: Stage, block: Block, prelude: str) -> None:
    """Runs a script after the exports of its document. An answer that is not shown is success, or no JSON."""
    text = block.text
    if block.language == "python":
        text = f".venv/bin/python - <<'PYTHON'\n{text}PYTHON\n"
    printed = await stage.shell(prelude + text)
    if block.answer is not None or printed.startswith("{"):
        assert matches(block.answer or {"success": True}, json.loads(printed)), (block.text, printed)


RUNNING = [document for document in DOCUMENTS if blocks_of(document)]


@pytest.mark.parametrize("document", RUNNING, ids=lambda path: path.name)
async def test_what_a_document_shows_is_what_happens(document: Path, stage: Stage) -> None:
    blocks = blocks_of(document)
    if any("curl" in block.text for block in blocks) and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    prelude = ""
    for block in blocks:
        if block.language == "graphql":
            await check_query(stage, block)
            continue
        await check_script(stage, block, prelude)
        if "export " in block.text:
            prelude += block.text


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "CHANGELOG.md"], ids=lambda path: path.name)
def test_a_document_links_to_what_is_there(document: Path) -> None:
    links = LINK.findall(document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_readme_shows_the_product() -> None:
    languages = [block.language for block in blocks_of(ROOT / "README.md")]
    assert languages == ["bash", "bash", "python", "bash", "graphql", "graphql"]
