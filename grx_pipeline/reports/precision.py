"""How many decimals a physical value keeps in the JSON, by its unit. Rounding is half up; NaN is null."""

import math
from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa
import pyarrow.compute as pc

# Finer than the sensors, coarse enough that files stay small; "" are ratios and shares.
DECIMALS = {
    "km/h": 2,
    "%": 2,
    # A hundredth of a percent of a lap is 10 ms.
    "% of a time": 4,
    "bar": 2,
    "deg": 2,
    "1/m": 6,
    "g": 3,
    "rpm": 0,
    "m": 1,
    "s": 3,
    "ms": 1,
    "Hz": 2,
    "degC": 1,
    "mbar": 1,
    "score": 2,
    "": 6,
}
_STEPS = {unit: Decimal(1).scaleb(-decimals) for unit, decimals in DECIMALS.items()}


def rounded(value: float | None, unit: str) -> float | None:
    """The value with its unit's decimals; None and NaN give None."""
    return None if value is None or math.isnan(value) else known_rounded(value, unit)


def known_rounded(value: float, unit: str) -> float:
    """The value with its unit's decimals; -0 becomes 0."""
    return float(Decimal(repr(value)).quantize(_STEPS[unit], rounding=ROUND_HALF_UP)) + 0.0


def whole(value: float | None) -> int | None:
    """The value as the nearest integer, half up; None and NaN give None."""
    if value is None or math.isnan(value):
        return None
    return int(Decimal(repr(value)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def rounded_series(values: pa.Array, unit: str) -> pa.Array:
    """A DOUBLE array with its unit's decimals; NaN becomes null."""
    known = pc.if_else(pc.is_nan(values), None, values)
    # Adding 0 turns -0 into 0.
    return pc.add(pc.round(known, DECIMALS[unit], round_mode="half_towards_infinity"), 0.0)


def whole_series(values: pa.Array) -> pa.Array:
    """A DOUBLE array as BIGINT, half up; NaN becomes null."""
    known = pc.if_else(pc.is_nan(values), None, values)
    return pc.round(known, 0, round_mode="half_towards_infinity").cast(pa.int64())
