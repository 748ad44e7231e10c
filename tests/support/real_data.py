"""The shared real race sessions: where they are, and what a test says that skips without them."""

import os
from pathlib import Path

import pytest

REAL_DATA = Path(os.environ.get("GRX_REAL_DATA", Path(__file__).parents[3] / "shared" / "data" / "gr-cup"))

NEEDS_REAL_DATA = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"no real sessions at {REAL_DATA} (GRX_REAL_DATA names them)"),
]

# Circuit and race of every shared session.
RACES = (
    ("barber", 1),
    ("barber", 2),
    ("cota", 1),
    ("indianapolis", 1),
    ("indianapolis", 2),
    ("sonoma", 1),
    ("sonoma", 2),
)
SESSIONS = tuple(f"{circuit}-2025-r{race}" for circuit, race in RACES)
