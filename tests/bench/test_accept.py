"""How many events one API process acknowledges a second, each on disk, beside a bare XADD of the same bytes."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from oneid.embedded.ports import free_port
from oneid.log.events import stream_key
from tests.servers import Servers

pytestmark = pytest.mark.bench

KEY = "bench"
SECONDS = 8
RESULTS = Path("bench/results")
BARE_STREAM = "bench:bare"


@dataclass(frozen=True, slots=True)
class Load:
    """A request that wrk repeats on `connections` connections; `events` are in each."""

    name: str
    path: str
    events: int
    connections: int
    events_per_second: int

    def body(self) -> bytes:
        items = [event(number) for number in range(self.events)]
        return orjson.dumps({"batch": items} if self.path.endswith("batch") else items[0])


@dataclass(frozen=True, slots=True)
class Rate:
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    failures: int


LOADS = [
    Load("batches of 100 events", "/v1/batch", 100, 16, 20_000),
    Load("single track calls", "/v1/track", 1, 32, 1_500),
]


def event(number: int) -> dict[str, Any]:
    """About 370 bytes, like an order of a web shop."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"node-next-1700000000000-{number:08d}-aaaa-bbbb",
        "userId": f"user-{number}",
        "anonymousId": f"anon-{number}",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "properties": {"order_id": str(number), "total": 12.5, "currency": "CNY", "sku": "A-1"},
        "context": {
            "ip": "1.2.3.4",
            "library": {"name": "analytics-python", "version": "2.4.0"},
            "traits": {"email": f"u{number}@example.com"},
        },
    }


@pytest.fixture
def wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        pytest.skip("wrk is not installed: it makes the load (package `wrk`)")
    return found


@contextmanager
def served(app: str, environment: dict[str, str], ready: str) -> Generator[str]:
    """One uvicorn process with the application."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log"]
    process = subprocess.Popen([*command, "--log-level", "warning"], env={**os.environ, **environment})
    try:
        wait_until_ready(url + ready, process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended before it was ready"
        try:
            if httpx.post(url, content=b"{}").status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail("the server was not ready within a minute")


def measure(wrk: str, url: str, load: Load, directory: Path) -> Rate:
    """One run of wrk, after a short one to warm up."""
    body, script = directory / "body.json", directory / "post.lua"
    body.write_bytes(load.body())
    credentials = base64.b64encode(f"{KEY}:".encode()).decode()
    script.write_text(
        f'wrk.method = "POST"\nlocal file = io.open("{body}", "rb")\nwrk.body = file:read("*a")\n'
        f'wrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "Basic {credentials}"\n'
    )
    command = [wrk, "-t1", f"-c{load.connections}", "--latency", "-s", str(script)]
    subprocess.run([*command, "-d1", url], check=True, capture_output=True)
    done = subprocess.run([*command, f"-d{SECONDS}", url], check=True, capture_output=True, text=True)
    return parse(done.stdout)


def parse(report: str) -> Rate:
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", report)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    assert rate, report
    return Rate(
        requests_per_second=float(rate.group(1)),
        p50_ms=latency(report, 50),
        p99_ms=latency(report, 99),
        failures=int(failed.group(1) if failed else 0) + sum(map(int, errors.groups() if errors else ())),
    )


def latency(report: str, percentile: int) -> float:
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", report)
    assert found, report
    return float(found.group(1)) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found.group(2)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
async def test_durable_acceptance(
    wrk: str, servers: Servers, redis: Redis, clean: None, load: Load, tmp_path: Path
) -> None:
    environment = {**servers.environment(), "ONEID_MODE": "sandbox", "ONEID_WRITE_KEY": KEY}
    await redis.delete(stream_key(0), BARE_STREAM)
    with served("tests.bench.bare_accept:app", environment, "/") as url:
        bare = measure(wrk, url + load.path, load, tmp_path)
    await redis.delete(BARE_STREAM)
    with served("api.app:app", environment, load.path) as url:
        ours = measure(wrk, url + load.path, load, tmp_path)
    stored = await redis.xlen(stream_key(0))
    await redis.delete(stream_key(0))
    report(load, ours, bare)
    assert ours.failures == bare.failures == 0
    assert stored >= ours.requests_per_second * SECONDS * 0.99, "acknowledged and not stored"
    assert ours.requests_per_second * load.events >= load.events_per_second


def report(load: Load, ours: Rate, bare: Rate) -> None:
    """Prints the figures and keeps them for docs/benchmarks.md."""
    figures = {
        "load": f"wrk, 1 thread, {load.connections} connections, {SECONDS} s, {load.name}",
        "events_per_second": round(ours.requests_per_second * load.events),
        "required_events_per_second": load.events_per_second,
        "ours": asdict(ours),
        "bare": asdict(bare),
        "part_of_bare": round(ours.requests_per_second / bare.requests_per_second, 3),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    target = RESULTS / f"accept-{load.name.replace(' ', '-')}.json"
    target.write_text(json.dumps(figures, indent=2) + "\n")
    sys.stdout.write(json.dumps(figures) + "\n")
