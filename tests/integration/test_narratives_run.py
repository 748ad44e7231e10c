"""`grx run` with a key: a service that fails today, answers tomorrow, and is not asked again."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from support.groq_server import Handler, Server, serving
from support.raw_session import write_session

KEY = "gsk_no-one-may-ever-read-this"
SESSION = "barber-2025-r1"


def answer_fleet(handler: Handler, body: dict[str, Any], number: int) -> None:
    """An answer that is good for the summary of the fleet, and for nothing else."""
    sentences = [{"text": "{winner.car} won at {circuit}.", "rule": None}]
    handler.answer(json.dumps({"paragraphs": [{"part": "trends", "sentences": sentences}]}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_session(tmp_path / "barber" / "race1")
    (tmp_path / ".env").write_text(f"GROQ_API_KEY={KEY}\n")
    return tmp_path


def grx_run(folder: Path, server: Server, *options: str) -> str:
    address = f"http://127.0.0.1:{server.server_port}"
    limits = "requests_per_minute = 0\nretries = 0\nbackoff_s = 0.01"
    (folder / "grx.toml").write_text(f'[llm]\nbase_url = "{address}"\n{limits}\n')
    environment = {name: value for name, value in os.environ.items() if name != "GROQ_API_KEY"}
    folders = {"GRX_DATA_DIR": str(folder / "data"), "GRX_REPORTS_DIR": str(folder / "reports")}
    done = subprocess.run(
        [sys.executable, "-m", "grx_pipeline", "run", "barber", *options],
        cwd=folder,
        env={**environment, **folders},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def holding_the_key(folder: Path) -> list[str]:
    """Files under `folder` that hold the key, as they stand or as what reads them sees them."""
    files = [path for name in ("data", "reports") for path in (folder / name).rglob("*") if path.is_file()]
    assert {".db", ".parquet", ".duckdb", ".json", ".html"} <= {path.suffix for path in files}
    return [str(path) for path in files if KEY.encode() in path.read_bytes() or KEY in inside(path)]


def inside(path: Path) -> str:
    """What a packed file says."""
    if path.suffix == ".parquet":
        return repr(pq.read_table(path).to_pylist())
    if path.suffix == ".db":
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return "\n".join(database.iterdump())
    if path.suffix == ".duckdb":
        with closing(duckdb.connect(str(path), read_only=True)) as warehouse:
            tables = [name for (name,) in warehouse.execute("SHOW TABLES").fetchall() if name.startswith("narrative")]
            return repr([warehouse.execute(f"FROM {name}").fetchall() for name in tables])
    return ""


def test_a_failed_service_is_asked_again_by_the_next_run_and_a_known_answer_never(folder: Path) -> None:
    def fail(handler: Handler, body: dict[str, Any], number: int) -> None:
        handler.status(500, {"error": {"message": KEY}})

    with serving(fail) as server:
        output = grx_run(folder, server)
        asked = len(server.requests)
    assert asked > 1
    assert f"{asked} llm server error" in output
    coaching = next((folder / "reports" / SESSION / "api" / "coaching").glob("*.json"))
    assert "service failed" in coaching.read_text()

    with serving(answer_fleet) as server:
        output += grx_run(folder, server)
        assert len(server.requests) >= asked, "all of them again, and repairs"
    with serving(answer_fleet) as server:
        output += grx_run(folder, server)
        assert server.requests == []
        output += grx_run(folder, server, "--no-llm")
        assert server.requests == []
        assert set(server.keys) <= {f"Bearer {KEY}"}
    assert KEY not in output
    assert holding_the_key(folder) == []


def test_a_budget_of_the_command_line_is_kept_to(folder: Path) -> None:
    with serving(answer_fleet) as server:
        output = grx_run(folder, server, "--llm-budget", "1")
        assert len(server.requests) == 1
    assert "llm budget" in output
