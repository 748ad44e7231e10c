"""The drivers: who they are, how much of the car they use, and the habits that make their laps their own."""

from dataclasses import dataclass

import numpy as np

from grx_pipeline.demo.race import Array

# number, logger id, driver, team. Loggers are called after chassis and car, and some after the wrong car: 3 and 03 have
# each other's.
_ENTRIES = (
    ("13", "GR86-022-13", "Owen Castellane", "Harbor Line Racing"),
    ("3", "GR86-037-03", "Ivo Marchetti", "Tidewater Racing"),
    ("7", "GR86-006-7", "Lena Strand", "Harbor Line Racing"),
    ("03", "GR86-040-3", "Gwen Sallow", "Pine Ridge Autosport"),
    ("2", "GR86-002-000", "Dario Quint", "Tidewater Racing"),
    ("111", "GR86-060-2", "Caleb Norwin", "Northgate Motorsport"),
    ("51", None, "Ruth Ansell", "Copperfield Competition"),
    ("58", "GR86-004-78", "Jonah Pell", "Copperfield Competition"),
    ("72", "GR86-026-72", "Marcus Vey", "Northgate Motorsport"),
    ("98", "GR86-036-98", "Wes Hollander", "Pine Ridge Autosport"),
    ("18", "GR86-030-18", "Nina Falk", "Summerlin Race Works"),
    ("55", "GR86-016-55", "Paul Draycott", "Harbor Line Racing"),
    ("88", "GR86-049-88", "Emil Sorrento", "Summerlin Race Works"),
    ("31", "GR86-015-31", "Grant Oakley", "Northgate Motorsport"),
    ("21", "GR86-047-21", "Tess Maddern", "Blue Heron Racing"),
    ("93", "GR86-038-93", "Ricardo Sable", "Blue Heron Racing"),
    ("5", "GR86-065-5", "Hugh Tarrant", "Copperfield Competition"),
    ("113", "GR86-063-113", "Bo Lindqvist", "Tidewater Racing"),
    ("46", "GR86-033-46", "Theo Barlowe", "Pine Ridge Autosport"),
    ("22", "GR86-010-16", "Felix Durand", "Pine Ridge Autosport"),
    ("47", "GR86-025-47", "Amos Greer", "Summerlin Race Works"),
    ("16", "GR86-019-16", "Noel Abbate", "Blue Heron Racing"),
    ("67", "GR86-012-67", "Sam Whitlock", "Kestrel Motorsport"),
    ("89", "GR86-028-89", "Luca Feraud", "Kestrel Motorsport"),
    ("80", "GR86-013-80", "Dean Ostler", "Kestrel Motorsport"),
)
MAX_CARS = len(_ENTRIES)


@dataclass(frozen=True, kw_only=True)
class Field:
    """Everyone's skill and habits, arrays (cars,) or (cars, turns); the order is that of the entry list.

    `grip_use` and `brake_use` are shares of what the car can do. `spread` is how much a driver differs from lap to
    lap, 1 for the middle of the field. The habits by turn are factors on grip and braking, and how patiently the
    throttle is taken up; `line_m` is how far to the right of the line (m) a driver drives.
    """

    numbers: tuple[str, ...]
    logger_ids: tuple[str | None, ...]
    drivers: tuple[str, ...]
    teams: tuple[str, ...]
    grip_use: Array
    brake_use: Array
    spread: Array
    preview_s: Array
    brake_lag_s: Array
    throttle_rate_per_s: Array
    coast_s: Array
    shift_rpm: Array
    corrections_deg: Array
    line_m: Array
    turn_grip: Array
    turn_braking: Array
    turn_patience: Array


def make_field(*, cars: int, turns: int, rng: np.random.Generator) -> Field:
    """`cars` drivers (at most MAX_CARS) from the quickest to the slowest, roughly."""
    entries = _ENTRIES[:cars]
    skill = np.clip(np.linspace(1.0, 0.0, cars) + rng.normal(0, 0.12, cars), 0.0, 1.0)
    numbers, logger_ids, drivers, teams = zip(*entries, strict=True)
    return Field(
        numbers=numbers,
        logger_ids=logger_ids,
        drivers=drivers,
        teams=teams,
        grip_use=0.93 + 0.06 * skill,
        brake_use=np.clip(0.81 + 0.14 * skill + rng.normal(0, 0.02, cars), 0.80, 0.97),
        spread=np.clip(1.35 - 0.75 * skill + rng.normal(0, 0.15, cars), 0.5, 1.7),
        preview_s=rng.uniform(0.15, 0.20, cars),
        brake_lag_s=rng.uniform(0.06, 0.10, cars),
        throttle_rate_per_s=rng.uniform(0.45, 0.9, cars),
        coast_s=rng.uniform(0.3, 0.56, cars),
        shift_rpm=rng.uniform(7080, 7220, cars),
        corrections_deg=rng.uniform(9.5, 13.5, cars),
        line_m=rng.normal(0, 0.7, cars),
        turn_grip=1.0 + rng.normal(0, 0.012, (cars, turns)),
        turn_braking=1.0 + rng.normal(0, 0.05, (cars, turns)),
        turn_patience=rng.uniform(0.75, 1.35, (cars, turns)),
    )
