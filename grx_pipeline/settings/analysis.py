"""Thresholds of track, corners, DPTAD and opportunities."""

from dataclasses import dataclass

from grx_pipeline.settings.threshold import threshold


@dataclass(frozen=True, kw_only=True)
class TrackSettings:
    """The circuit as the field drove it: line, corners, sector lines."""

    curvature_smoothing_m: float = threshold(
        8.0, unit="m", why="Gaussian; shorter keeps the hands, longer joins corners"
    )
    min_line_laps: int = threshold(5, unit="laps", why="the median of fewer laps still shows single drivers' lines")
    gps_coverage: float = threshold(0.95, unit="share", why="points without GPS are drawn straight between others")
    accel_zero_sd_g: float = threshold(
        0.1, unit="g", why="zeros of a_y are taken on straights, which bank: the field's is .01 to .08 g off"
    )
    accel_local_g_root_m: float = threshold(
        0.35, unit="g*sqrt(m)", why="3 degrees of camber are .05 g over some 50 m; as noise without memory"
    )
    gain_tolerance: float = threshold(
        0.2, unit="ratio", most=1.0, why="a_y of real cars is within 6 % of GPS; the closure alone is up to 14 % off"
    )
    gain_max: float = threshold(
        2.0, unit="ratio", least=1.0, why="gains down to .5 are known; beyond, the sensor is no use"
    )
    corner_curvature_per_m: float = threshold(1 / 300, unit="1/m", why="wider bends are driven flat and are no corner")
    corner_edge_per_m: float = threshold(
        1 / 500, unit="1/m", below="corner_curvature_per_m", why="where a corner begins and ends"
    )
    split_ratio: float = threshold(
        0.7, unit="ratio", least=0.0, most=1.0, why="a dip under it between two peaks makes two corners"
    )
    min_corner_m: float = threshold(25.0, unit="m", why="shorter bends are corrections of the hands")
    min_corner_deg: float = threshold(12.0, unit="deg", most=90.0, why="a kink under it asks nothing of the driver")
    split_speed_kmh: float = threshold(
        4.0, unit="km/h", why="prominence of a speed minimum that makes a corner of its own"
    )
    apex_tolerance_m: float = threshold(30.0, unit="m", why="apex within 30 m on 95 % of laps at true corners")
    map_warning_m: float = threshold(15.0, unit="m", why="sector lines measure to 1.4 m; the map is off by up to 68 m")
    usual_share: float = threshold(0.5, unit="share", why="what a corner has, most laps of most drivers do there")
    early_onset_share: float = threshold(
        0.1,
        unit="share of laps",
        why="a braking tile begins before nearly all brake; a single early one does not move it",
    )
    min_spread_laps: int = threshold(3, unit="laps", why="fewer laps of a driver have no spread to speak of")
    min_tile_m: float = threshold(12.0, unit="m", why="less takes a car under ten times the error of its time")
    min_straight_m: float = threshold(50.0, unit="m", why="less between two corners is the way out of the first")


@dataclass(frozen=True, kw_only=True)
class CornerSettings:
    """Phases and figures of a lap through a corner."""

    braking_bar: float = threshold(5.0, unit="bar", below="braking_peak_bar", why="above it the car is being braked")
    braking_peak_bar: float = threshold(10.0, unit="bar", why="a brush of the pedal stays under it")
    braking_s: float = threshold(0.12, unit="s", why="three fast samples; a single one may be noise")
    released_share: float = threshold(0.1, unit="share of peak", why="released where 90 % of the peak is gone")
    throttle_on_pct: float = threshold(
        20.0, unit="%", below="full_throttle_pct", why="first real application after the apex"
    )
    full_throttle_pct: float = threshold(95.0, unit="%", why="full throttle, by either throttle channel")
    coasting_throttle_pct: float = threshold(
        5.0, unit="%", below="full_throttle_pct", why="pedal at rest, by either throttle channel"
    )
    coasting_bar: float = threshold(2.0, unit="bar", why="noise floor of the brake pressure")
    coasting_s: float = threshold(0.2, unit="s", why="a foot needs less to change pedals")
    trail_braking_g: float = threshold(0.4, unit="g", why="above it the car corners")
    dip_kmh: float = threshold(1.0, unit="km/h", why="a smaller minimum of the field's speed is no slowest point")
    dip_reach_m: float = threshold(30.0, unit="m", why="how far around a corner the speed may rise for that")
    gear_change_s: float = threshold(0.3, unit="s", why="the blade (ath) closes by itself around a gear change")
    reapplication_share: float = threshold(
        0.25, unit="share of peak", why="a release and a rise under it are how a foot modulates"
    )
    lift_from_pct: float = threshold(80.0, unit="%", why="over it the driver has committed to the exit")
    lift_pct: float = threshold(20.0, unit="%", below="lift_from_pct", why="a smaller dip is a foot on a kerb")
    min_spread_laps: int = threshold(3, unit="laps", why="a robust spread of two laps is their distance, no spread")


@dataclass(frozen=True, kw_only=True)
class LedgerSettings:
    """The ledger: full-throttle acceleration, and differences between two laps that are worth a sentence."""

    full_throttle_pct: float = threshold(95.0, unit="%", why="full throttle, by either throttle channel")
    off_bar: float = threshold(2.0, unit="bar", why="noise floor of the brake pressure")
    straight_g: float = threshold(0.4, unit="g", why="above it the car corners and the tyres cost speed")
    step_m: float = threshold(20.0, unit="m", why="a difference of v^2 over less is mostly noise of the speed channel")
    bin_kmh: float = threshold(5.0, unit="km/h", why="narrow against the curve, wide enough for a median")
    min_bin_samples: int = threshold(30, unit="samples", why="a median of fewer follows single laps")
    min_bins: int = threshold(6, unit="bins", least=3, why="three coefficients need a range of 30 km/h and more")
    place_noise_m: float = threshold(
        6.0, unit="m", why="held-out lines repeat to 1 to 2 m: two laps agree within 6 m at 95 %"
    )
    speed_noise_kmh: float = threshold(
        1.0, unit="km/h", why="with every other sample left out, the least speed of corners moves by .7 to 1.1 (95 %)"
    )
    brake_noise_bar: float = threshold(
        5.0, unit="bar", why="peaks stand up to 4.9 (95 %) over both samples beside them"
    )
    time_noise_s: float = threshold(0.1, unit="s", why="one fast sample more at either end, on both laps")
    angle_noise_deg: float = threshold(8.0, unit="deg", why="the gap of a steering reversal")


@dataclass(frozen=True, kw_only=True)
class DptadSettings:
    """The detector of unusual driving (algorithms, section 4)."""

    tube_m: float = threshold(8.0, unit="m", why="how far the place of an edge varies without meaning")
    floor_bar: float = threshold(2.0, unit="bar", why="unit of a brake residual")
    floor_pct: float = threshold(4.0, unit="%", least=0.4, most=40.0, why="unit of a throttle residual")
    floor_deg: float = threshold(2.5, unit="deg", why="unit of a steering residual")
    floor_kmh: float = threshold(0.8, unit="km/h", why="unit of a speed residual")
    floor_ms: float = threshold(10.0, unit="ms", why="unit of a loss; half of the noise of a delta inside a sector")
    floor_m: float = threshold(2.0, unit="m", why="unit of a shifted edge: one step of the grid")
    mean_m: float = threshold(10.0, unit="m", why="an event is longer than a sample")
    zone_m: float = threshold(30.0, unit="m", why="half width of the zone in which worsts are compared")
    place_m: float = threshold(
        10.0, unit="m", below="zone_m", why="places that are judged; zones overlap by five sixths"
    )
    pedal_dip_m: float = threshold(40.0, unit="m", why="a foot that comes back within a second at 40 m/s")
    steering_dip_m: float = threshold(24.0, unit="m", why="hands that come back within half a second at 40 m/s")
    loss_short_m: float = threshold(100.0, unit="m", below="loss_long_m", why="a fault costs its time where it happens")
    loss_long_m: float = threshold(300.0, unit="m", why="or down the straight behind it")
    braking_bar: float = threshold(5.0, unit="bar", below="braking_peak_bar", why="above it the car is being braked")
    braking_peak_bar: float = threshold(10.0, unit="bar", why="a brush of the pedal stays under it")
    onset_share: float = threshold(0.3, unit="share of peak", why="the steep part of the edge, above brushes")
    zone_reach_m: float = threshold(120.0, unit="m", why="an edge further from its usual place is another one")
    full_throttle_pct: float = threshold(95.0, unit="%", why="full throttle, by either throttle channel")
    cornering_g: float = threshold(0.5, unit="g", why="above it the car corners")
    min_own_laps: int = threshold(6, unit="laps", least=3, why="fewer own laps say nothing about what is usual")
    budget: float = threshold(
        0.5, unit="events per clean lap", why="over a session's judged drivers; what people read of it"
    )
    least_log_odds: float = threshold(
        0.0, unit="log-odds", least=-10.0, most=10.0, why="under even odds nothing is said, budget or not"
    )
    apart_m: float = threshold(150.0, unit="m", why="two events nearer than that are one to a driver")
    edge_drop: float = threshold(1.0, unit="log-odds", why="an event reaches as far as its odds stay near the peak's")
    loss_before_m: float = threshold(50.0, unit="m", why="an event's loss counts from here before its start")
    loss_behind_m: float = threshold(150.0, unit="m", why="to here behind its end: an exit loss shows on the straight")
    shown_m: float = threshold(6.0, unit="m", why="an edge that moved less is no early or late braking in words")
    shown_bar: float = threshold(8.0, unit="bar", why="a dip of less is a foot at work")
    shown_pct: float = threshold(15.0, unit="%", why="a lift of less is a foot at work")
    shown_deg: float = threshold(45.0, unit="deg", why="ordinary laps peak at 30 to 38 deg of correction")
    shown_kmh: float = threshold(2.0, unit="km/h", why="a speed less off than that is not seen in a trace")
    traffic_gap_s: float = threshold(1.0, unit="s", why="a car that near ahead at a line sets the pace")
    false_share: float = threshold(0.1, unit="share", why="of laps called significant, this share may be chance")
    cost_s: float = threshold(0.05, unit="s", why="52 % of events lose it, 16 % of random places")
    full_score: float = threshold(3.0, unit="-log10(p)", why="one lap in a thousand has the full score of 100")
    least_repeats: int = threshold(2, unit="moments", why="what happened once does not repeat")
    min_speed_laps: int = threshold(2, unit="laps", least=2, why="one lap deviates from its own median nowhere")
    min_ranked_laps: int = threshold(
        3, unit="clean laps", why="smoothness scatters by .02 to .08 from lap to lap, half as much as drivers differ"
    )


@dataclass(frozen=True, kw_only=True)
class OpportunitySettings:
    """What is worth telling a driver (algorithms, section 5)."""

    min_loss_s: float = threshold(0.05, unit="s", why="smaller losses drown in a segment's spread of .05 to .14 s")
    sure_errors: float = threshold(
        1.645, unit="standard errors", why="95 % sure of the least loss: in 40 places tested chance finds none"
    )
    min_laps: int = threshold(3, unit="laps", why="a habit shows on three laps")
    min_share: float = threshold(0.3, unit="share of laps", why="or on three laps of ten")
    min_ranked_share: float = threshold(
        0.5,
        unit="share of the most clean laps",
        least=0.0,
        most=1.0,
        why="a car out after 11 of 26 laps led five rankings: it had no worn tyres and no tired driver",
    )
    min_ranked_drivers: int = threshold(4, unit="drivers", why="the first three of three are everybody, not the best")
    max_reported: int = threshold(3, unit="opportunities", why="a driver can change three things, not ten")
    best_laps: int = threshold(3, unit="laps", why="the mean of three is no single lucky minimum")
    min_own_laps: int = threshold(6, unit="laps", why="of fewer the best three are half of the laps or more")
    min_class_drivers: int = threshold(5, unit="other drivers", why="a quartile of fewer is one driver")
    prior_laps: float = threshold(8.0, unit="laps", why="a spread of few laps is shrunk towards the field's")
    traffic_gap_s: float = threshold(1.0, unit="s", why="closer to the car ahead the lap is that car's")
    early_braking_m: float = threshold(8.0, unit="m", why="twice the scatter of one driver's onsets, 1.5 to 4 m")
    late_braking_m: float = threshold(8.0, unit="m", why="twice the scatter of one driver's onsets, 1.5 to 4 m")
    same_speed_kmh: float = threshold(1.0, unit="km/h", why="minimum speeds that close are the same")
    low_speed_kmh: float = threshold(3.0, unit="km/h", why="3 km/h at 80 km/h are 0.04 s on 25 m")
    softer_bar: float = threshold(3.0, unit="bar", why="the noise of the pressure is 2 bar")
    softer_share: float = threshold(0.15, unit="share of peak", why="a softer foot, beside the scatter of peaks")
    inherited_share: float = threshold(0.5, unit="share", why="more of the missing speed is missing at entry already")
    late_throttle_m: float = threshold(8.0, unit="m", why="as for the brake")
    same_steering_deg: float = threshold(10.0, unit="deg", why="more lock at throttle on is another line")
    late_full_throttle_m: float = threshold(12.0, unit="m", why="full throttle scatters more than its beginning")
    coasting_s: float = threshold(0.3, unit="s", why="a change of pedals takes 0.2 s")
    more_coasting_s: float = threshold(0.2, unit="s", why="coasting as long as the reference explains nothing")
    more_per_lap: float = threshold(0.5, unit="1 a lap", why="on every other lap more than the reference")
    more_reversals: float = threshold(3.0, unit="1 a lap", why="one or two more are a different line")
    uneven_share: float = threshold(0.8, unit="share of drivers", why="four of five drivers brake more evenly")
    uneven_onset_m: float = threshold(6.0, unit="m", why="a smaller spread is the measurement's and everyone's")
    uneven_bar: float = threshold(6.0, unit="bar", why="a smaller spread is everyone's")
