"""Own figures and evidence: what counts as usual, and what stands out against it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.dptad_laps import POINTS, STEP_M, channels_of, plain_laps

from grx_pipeline.methods.dptad.evidence import CATEGORIES, EVIDENCE, FEATURES, LapMatrix, gather_evidence, own_zones
from grx_pipeline.methods.dptad.own import NO_HOST, OwnLaps
from grx_pipeline.settings import DptadSettings

SETTINGS = DptadSettings()


@given(arrays(np.float64, (7, 3), elements=st.floats(-100, 100)), st.sampled_from([0.0, 0.16, 0.5, 0.84, 1.0]))
def test_a_lap_is_left_out_of_its_own_quantile(values: np.ndarray, share: float) -> None:
    found = OwnLaps.of(values).quantile(share, np.arange(7))
    for row in range(7):
        np.testing.assert_allclose(found[row], np.quantile(np.delete(values, row, axis=0), share, axis=0), atol=1e-9)


def test_a_lap_that_is_none_of_the_own_laps_is_compared_with_all_of_them() -> None:
    values = np.array([[1.0], [2.0], [3.0], [10.0]])
    found = OwnLaps.of(values).quantile(0.5, np.array([NO_HOST, 3]))
    assert found[:, 0].tolist() == [2.5, 2.0]


def gather(changed: LapMatrix, hosts: list[int]):
    own = plain_laps(8)
    return gather_evidence(own, changed, np.array(hosts), SETTINGS)


def test_a_lift_shows_as_a_dip_of_the_throttle_where_it_is_and_nowhere_else() -> None:
    channels = channels_of(plain_laps(1))
    channels["throttle_pct"][0, 600:615] = 10.0
    evidence = gather(LapMatrix.of(channels, STEP_M), [0])
    dip = evidence.absolute[0, :, EVIDENCE.index("throttle_dip")]
    at = evidence.places_m[dip > 10]
    assert at.min() >= 600 * STEP_M - 60
    assert at.max() <= 615 * STEP_M + 60
    assert dip.max() * SETTINGS.floor_pct == pytest.approx(90.0, abs=5.0)


def test_braking_early_is_measured_in_metres() -> None:
    channels = channels_of(plain_laps(1))
    channels["brake_bar"][0] = np.roll(channels["brake_bar"][0], -10)
    evidence = gather(LapMatrix.of(channels, STEP_M), [0])
    early = evidence.absolute[0, :, EVIDENCE.index("onset_early")].max() * SETTINGS.floor_m
    assert early == pytest.approx(20.0, abs=4.0)
    assert evidence.absolute[0, :, EVIDENCE.index("onset_late")].max() == 0.0


def test_a_gap_is_no_evidence() -> None:
    channels = channels_of(plain_laps(1))
    for values in channels.values():
        values[0, 600:640] = np.nan
    evidence = gather(LapMatrix.of(channels, STEP_M), [0])
    near = (evidence.places_m > 1150) & (evidence.places_m < 1330)
    assert evidence.relative[0, near][:, EVIDENCE.index("throttle_dip")].max() < 1.0


@pytest.mark.parametrize(
    ("channel", "category"), [("brake_bar", "brake"), ("throttle_pct", "throttle"), ("steering_deg", "steering")]
)
def test_a_gap_of_one_channel_is_no_evidence(channel: str, category: str) -> None:
    channels = channels_of(plain_laps(1))
    channels[channel][0, 290:345] = np.nan
    evidence = gather(LapMatrix.of(channels, STEP_M), [0])
    shown = [EVIDENCE.index(name) for name in CATEGORIES[category]]
    whole = gather(plain_laps(1), [0])
    assert (evidence.absolute[..., shown] <= whole.absolute[..., shown] + 1e-9).all()


def test_a_channel_that_the_car_does_not_have_is_no_gap() -> None:
    channels = channels_of(plain_laps(2))
    channels["steering_deg"][:] = np.nan
    laps = LapMatrix.of(channels, STEP_M)
    assert not laps.is_gap.any()
    assert (laps.steering_deg == 0.0).all()


def test_features_stand_in_the_order_of_their_names() -> None:
    own = plain_laps(8)
    evidence = gather_evidence(own, own, np.arange(8), SETTINGS)
    features = evidence.features()
    assert features.shape == (8, evidence.places_m.size, len(FEATURES))
    place = FEATURES.index("relative speed_less")
    expected = np.log1p(evidence.relative[:, :, EVIDENCE.index("speed_less")])
    np.testing.assert_array_equal(features[:, :, place], expected)


def test_the_zones_are_the_brakings_of_the_median_lap() -> None:
    zones = own_zones(plain_laps(8), SETTINGS)
    assert len(zones) == 2
    assert all(zone.start < zone.onset < zone.release <= zone.apex < zone.end <= POINTS for zone in zones)


def test_laps_without_braking_have_no_zones() -> None:
    channels = channels_of(plain_laps(6))
    channels["brake_bar"][:] = 0.0
    assert own_zones(LapMatrix.of(channels, STEP_M), SETTINGS) == []
