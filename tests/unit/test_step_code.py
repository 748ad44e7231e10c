"""A change of code runs every step again that uses it: so each step names all code that it reaches."""

import pytest
from support.reached_code import reached_packages

from grx_pipeline.reports.steps import build_season
from grx_pipeline.season import SEASON_PACKAGES
from grx_pipeline.steps import STEPS
from grx_pipeline.storage.season_views import build_views

# Settings are inputs by their values, errors carry no result.
_BESIDE = {"settings", "errors"}
# Statements, which no import names.
_READ_AS_TEXT = {"sql"}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_names_all_code_that_it_reaches_and_no_other(name: str) -> None:
    reached = reached_packages(STEPS[name].build)
    assert "storage" in reached
    assert reached - _BESIDE == set(STEPS[name].packages) - _READ_AS_TEXT


def test_the_season_names_all_code_that_it_reaches_and_no_other() -> None:
    reached = reached_packages(build_season, build_views)
    assert {"reports", "storage"} <= reached
    assert reached - _BESIDE == set(SEASON_PACKAGES)
