"""What `oneid up` hands to the processes that it starts."""

import socket
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from oneid.cli import program
from oneid.cli.connection import connected_settings
from oneid.cli.processes import applications
from oneid.cli.up import announce, environment_of
from oneid.domain.keys import is_generated
from oneid.embedded import state
from oneid.embedded.errors import ServerError
from oneid.embedded.ports import free_port
from oneid.embedded.state import State
from oneid.settings import Settings

URLS = {"neo4j": "bolt://h:1", "redis": "redis://h:2/0", "opensearch": "http://h:3"}


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


def state_with_servers() -> State:
    return State(urls=dict(URLS))


def test_every_process_is_told_where_the_servers_are(tmp_path: Path) -> None:
    environment = environment_of(settings(data_dir=tmp_path), state_with_servers())
    assert environment["ONEID_NEO4J_URL"] == "bolt://h:1"
    assert environment["ONEID_REDIS_URL"] == "redis://h:2/0"
    assert environment["ONEID_OPENSEARCH_URL"] == "http://h:3"
    assert environment["ONEID_DATA_DIR"] == str(tmp_path)


def test_up_is_a_sandbox_with_keys_unless_told() -> None:
    current = state_with_servers()
    environment = environment_of(settings(), current)
    assert environment["ONEID_MODE"] == "sandbox"
    assert environment["ONEID_ADMIN_KEY"].startswith("sk_sandbox_")
    assert environment["ONEID_WRITE_KEY"].startswith("wk_sandbox_")
    assert all(is_generated(key, "sandbox") for key in current.keys.values())


def test_sandbox_keys_stay_the_same_from_one_up_to_the_next() -> None:
    current = state_with_servers()
    assert environment_of(settings(), current) == environment_of(settings(), current)


def test_keys_from_the_environment_replace_the_stored_ones() -> None:
    current = state_with_servers()
    environment_of(settings(), current)
    environment = environment_of(settings(admin_key="sk_mine", write_key="wk_mine"), current)
    assert environment["ONEID_ADMIN_KEY"] == "sk_mine"
    assert current.keys == {"admin": "sk_mine", "write": "wk_mine"}


def test_a_live_deployment_gets_no_sandbox_keys() -> None:
    current = state_with_servers()
    environment = environment_of(settings(mode="live"), current)
    assert environment["ONEID_MODE"] == "live"
    assert "ONEID_ADMIN_KEY" not in environment
    assert (current.mode, current.keys) == ("live", {})


def test_a_sandbox_that_goes_live_forgets_its_keys_and_announces_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    current = state_with_servers()
    environment_of(settings(), current)
    keys = [*current.keys.values()]
    live = settings(mode="live", data_dir=tmp_path)
    environment = environment_of(live, current)
    current.urls["api"] = "http://h:8000"
    announce(live, current)
    said = capsys.readouterr().out
    assert "oneid is up (live)" in said
    assert not [key for key in keys if key in said or key in environment.values()]
    state.save(tmp_path, current)
    assert not [key for key in keys if key in state.state_file(tmp_path).read_text()]


def test_a_sandbox_announces_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    current = state_with_servers()
    environment_of(settings(), current)
    current.urls["api"] = "http://h:8000"
    announce(settings(), current)
    said = capsys.readouterr().out
    assert [key for key in current.keys.values() if key not in said] == []


def test_commands_take_the_mode_of_the_running_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEID_DATA_DIR", str(tmp_path))
    for mode in ("live", "sandbox"):
        state.save(tmp_path, State(urls=dict(URLS), mode=mode))
        assert connected_settings().mode == mode
    monkeypatch.setenv("ONEID_MODE", "live")
    assert connected_settings().mode == "live"


def test_the_demo_plays_in_no_live_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    def live(settings: Settings, say: object) -> nullcontext[State]:
        return nullcontext(State(mode="live"))

    monkeypatch.setattr("oneid.cli.demo.running_up", live)
    result = CliRunner().invoke(program(["demo", "up"]), ["demo"])
    assert result.exit_code == 1
    assert "the story is for a sandbox" in result.output


def test_api_consumer_and_worker_are_three_processes_that_end_before_the_servers() -> None:
    programs = applications(settings(port=0), {})
    assert [program.name for program in programs] == ["api", "consumer", "worker"]
    assert {program.group for program in programs} == {"oneid"}


@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]"), ("127.0.0.1", "127.0.0.1")])
def test_the_api_is_served_where_the_host_says(host: str, shown: str) -> None:
    api, consumer, _ = applications(settings(port=0, host=host), {})
    assert api.url == f"http://{shown}:{api.port}"
    assert api.command[api.command.index("--host") + 1] == host
    assert consumer.port != api.port


def test_the_api_keeps_an_idle_connection_longer_than_clients_do() -> None:
    api, *_ = applications(settings(port=0), {})
    idle = int(api.command[api.command.index("--timeout-keep-alive") + 1])
    assert idle > (httpx.Limits().keepalive_expiry or 0)
    assert idle > 60, "as long as proxies commonly do"


def test_a_taken_port_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ServerError, match=rf"port {port} is taken .*ONEID_PORT="):
            applications(settings(port=port), {})
