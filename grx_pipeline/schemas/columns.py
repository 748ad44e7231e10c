"""Short constructors for column declarations, and the columns that many tables share."""

from grx_pipeline.schemas.contract import Column


def text_column(name: str, text: str, *, null: bool = False) -> Column:
    return Column(name=name, type="VARCHAR", text=text, nullable=null)


def count_column(name: str, text: str, *, unit: str = "", null: bool = False, minimum: float | None = 0) -> Column:
    return Column(name=name, type="INTEGER", text=text, unit=unit, nullable=null, minimum=minimum)


def big_column(name: str, text: str, *, unit: str = "ms", null: bool = True, minimum: float | None = None) -> Column:
    return Column(name=name, type="BIGINT", text=text, unit=unit, nullable=null, minimum=minimum)


def rows_column(name: str, text: str) -> Column:
    return big_column(name, text, unit="rows", null=False, minimum=0)


def real_column(name: str, text: str, *, unit: str = "", null: bool = True, minimum: float | None = None) -> Column:
    return Column(name=name, type="DOUBLE", text=text, unit=unit, nullable=null, minimum=minimum)


def flag_column(name: str, text: str, *, null: bool = False) -> Column:
    return Column(name=name, type="BOOLEAN", text=text, nullable=null)


def list_column(name: str, text: str) -> Column:
    return Column(name=name, type="VARCHAR[]", text=text)


VEHICLE = text_column("vehicle_id", "the logger's id, or car-<NUMBER> for a car without a logger")
LAP = count_column("lap_number", "the official LAP_NUMBER", minimum=None)

# The six intermediate sections of the timing, in the order of the lap.
SECTIONS = ("im1a", "im1", "im2a", "im2", "im3a", "fl")

# The phases of a corner in the order they are driven; `segments` has "straight" beside them.
PHASES = ("braking", "entry", "exit")

# What DPTAD scores.
CATEGORIES = ("brake", "throttle", "steering", "speed")
