"""What is said of telemetry and weather that are not there, and of stopped clocks: by checks and by the season page."""

from collections.abc import Sequence

from grx_pipeline.formats import listed

NO_TELEMETRY = "There is no telemetry: lap times and targets stand, traces and features do not."
NO_WEATHER = "There is no weather file for this session."


def stopped_clocks(cars: Sequence[str]) -> str:
    """What is said of loggers whose clock stood still."""
    return f"The clock of {listed(cars)} stood still: nothing that needs time can be told."
