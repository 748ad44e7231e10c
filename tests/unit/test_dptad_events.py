"""An event's stretch, its peak and what it cost; figures of a driver's speed."""

import numpy as np
import pytest
from support.dptad_laps import POINTS, STEP_M, channels_of, plain_laps

from grx_pipeline.methods.dptad.detector import Peak
from grx_pipeline.methods.dptad.events import describe_peak
from grx_pipeline.methods.dptad.evidence import LapMatrix, gather_evidence
from grx_pipeline.methods.dptad.figures import speed_consistency
from grx_pipeline.settings import DptadSettings

SETTINGS = DptadSettings()


@pytest.mark.parametrize("off_m", [-30, -20, 0, 20, 30])
def test_the_loss_is_that_around_the_stretch_that_is_told(off_m: int) -> None:
    own = plain_laps(8)
    channels = channels_of(plain_laps(1))
    channels["throttle_pct"][0, 500:515] = 20.0
    channels["speed_kmh"][0, 500:600] -= np.linspace(15, 0, 100)
    slowness = np.cumsum(3600 * STEP_M / channels["speed_kmh"], axis=1)
    channels["time_ms"] = slowness - slowness[:, :1]
    laps = LapMatrix.of(channels, STEP_M)
    evidence = gather_evidence(own, laps, np.array([0]), SETTINGS)
    place = round((1010 + off_m) / SETTINGS.place_m)
    median = np.median(own.time_ms[1:], axis=0)
    peak = Peak(lap=0, place=place, first=place, last=place, log_odds=5.0, kind="throttle_lift")
    event = describe_peak(peak, evidence, laps, median, has_traffic=False, settings=SETTINGS)
    assert event.rule.type == "lift"
    assert event.start_m <= event.peak_m <= event.end_m
    first = int((event.start_m - SETTINGS.loss_before_m) / STEP_M)
    last = int((event.end_m + SETTINGS.loss_behind_m) / STEP_M)
    delta = laps.time_ms[0] - median
    usual = np.median([delta[k + last - first] - delta[k] for k in range(POINTS - (last - first))])
    assert event.time_lost_ms == pytest.approx(delta[last] - delta[first] - usual)


def test_speed_is_as_consistent_as_its_median_deviation_is_small() -> None:
    # Deviations of 0, 2 and 4 from 100: their median is 2, a fiftieth.
    speed = np.tile([[98.0], [100.0], [104.0]], (1, 50))
    assert speed_consistency(speed, min_laps=2) == pytest.approx(0.98)
    assert speed_consistency(speed[:1], min_laps=2) is None
