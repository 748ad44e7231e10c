"""The instance's files for several machines say what the one for one machine says, but for what they are there for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
SINGLE = Path(__file__).parents[2] / "grx_pipeline" / "defs" / "dagster.yaml"


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("dagster-postgres.yaml", {"storage"}),
        # Celery's own queue takes the runs, however long they wait there.
        ("dagster-celery.yaml", {"storage", "run_launcher", "run_coordinator", "run_monitoring"}),
    ],
)
def test_an_instance_of_several_machines_differs_only_in_what_makes_it_one(name: str, own: set[str]) -> None:
    single, several = _read(SINGLE), _read(DEPLOY / name)
    assert several["storage"]["postgres"]["postgres_url"] == {"env": "GRX_INSTANCE_URL"}
    kept = {key: value for key, value in single.items() if key not in own}
    assert {key: value for key, value in several.items() if key not in own} == kept
