"""What an event is called, and in which words: one table of rules, read from the top.

The detector says which kind of fault an event is most like; a rule then asks whether the traces show it. Numbers in the
sentences are the lap's, against the driver's own clean laps.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from grx_pipeline.settings import DptadSettings

# Kinds of fault that the detector was fitted to, by what they are mostly about.
_BRAKING = ("early_braking", "missed_braking_point", "lock_up", "brake_reapplication")
_ANY = (*_BRAKING, "throttle_lift", "traffic")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What the lap shows near the event, 0 or more, in units: evidence times its floor. `has_traffic` is by timing.

    `correction_deg` is 0 where another lap of the driver shows as much.
    """

    early_m: float
    late_m: float
    dip_bar: float
    more_bar: float
    lift_pct: float
    late_throttle_m: float
    correction_deg: float
    slower_kmh: float
    faster_kmh: float
    has_traffic: bool


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`type` where the detector's kind is one of `kinds` and every measure in `needs` is at least the setting's.

    `shown_by` is the evidence that is highest where the event is, +1 or -1 whether it is more or less of the channel.
    """

    type: str
    category: str
    kinds: tuple[str, ...]
    needs: Mapping[str, str]
    shown_by: str
    sign: int
    words: str
    why: str


RULES: tuple[Rule, ...] = (
    Rule(
        type="lock_up_suspected",
        category="brake",
        kinds=("lock_up",),
        needs={"dip_bar": "shown_bar", "more_bar": "shown_bar"},
        shown_by="brake_dip",
        sign=-1,
        words="pressure rose over the usual and fell by {dip_bar:.0f} bar before it came back: a lock-up is suspected",
        why="a sliding wheel takes more pressure, then a release; without wheel speeds it stays a suspicion",
    ),
    Rule(
        type="brake_reapplication",
        category="brake",
        kinds=("lock_up", "brake_reapplication"),
        needs={"dip_bar": "shown_bar"},
        shown_by="brake_dip",
        sign=-1,
        words="released the brake by {dip_bar:.0f} bar and applied it again",
        why="one application is usual in this braking; the second moves load and costs entry speed",
    ),
    Rule(
        type="early_braking",
        category="brake",
        kinds=("early_braking", "brake_reapplication", "traffic"),
        needs={"early_m": "shown_m"},
        shown_by="brake_more",
        sign=1,
        words="braked {early_m:.0f} m earlier than usual",
        why="the onset of braking against the median of the own laps",
    ),
    Rule(
        type="late_braking",
        category="brake",
        kinds=("missed_braking_point", "lock_up"),
        needs={"late_m": "shown_m"},
        shown_by="brake_less",
        sign=-1,
        words="braked {late_m:.0f} m later than usual",
        why="the onset of braking against the median of the own laps",
    ),
    Rule(
        type="traffic_suspected",
        category="speed",
        kinds=("traffic", "throttle_lift", "early_braking"),
        needs={"has_traffic": "", "slower_kmh": "shown_kmh"},
        shown_by="speed_less",
        sign=-1,
        words="slower by {slower_kmh:.0f} km/h with a car ahead within a second at the line",
        why="slow with a car ahead is the other car's doing until shown otherwise",
    ),
    Rule(
        type="oversteer_suspected",
        category="steering",
        kinds=("throttle_lift", "traffic", "missed_braking_point"),
        needs={"correction_deg": "shown_deg", "lift_pct": "shown_pct"},
        shown_by="steering_dip",
        sign=-1,
        words="corrected the wheel by {correction_deg:.0f} deg and lifted by {lift_pct:.0f} %: oversteer is suspected",
        why="the wheel is unwound as on no other lap there, and the foot comes off; a suspicion without yaw rate",
    ),
    Rule(
        type="lift",
        category="throttle",
        kinds=("throttle_lift", "traffic", "early_braking"),
        needs={"lift_pct": "shown_pct"},
        shown_by="throttle_dip",
        sign=-1,
        words="lifted by {lift_pct:.0f} % and went back on the throttle",
        why="the throttle falls and comes back within a second where the own laps stay on it",
    ),
    Rule(
        type="late_throttle",
        category="throttle",
        kinds=_ANY,
        needs={"late_throttle_m": "shown_m"},
        shown_by="throttle_less",
        sign=-1,
        words="full throttle came {late_throttle_m:.0f} m later than usual",
        why="the place of full throttle behind the apex against the median of the own laps",
    ),
    Rule(
        type="over_slowing",
        category="speed",
        kinds=_ANY,
        needs={"slower_kmh": "shown_kmh"},
        shown_by="speed_less",
        sign=-1,
        words="slower than usual by {slower_kmh:.0f} km/h",
        why="less speed than any of the own laps within the position tube",
    ),
)
FALLBACKS: Mapping[str, Rule] = {
    kind: Rule(
        type=f"{noun}_differs",
        category=category,
        kinds=(kind,),
        needs={},
        shown_by=shown_by,
        sign=sign,
        words=f"{noun} differs from the usual",
        why="no rule above applies",
    )
    for kind, noun, category, shown_by, sign in (
        ("early_braking", "braking", "brake", "brake_more", 1),
        ("missed_braking_point", "braking", "brake", "brake_less", -1),
        ("lock_up", "braking", "brake", "brake_more", 1),
        ("brake_reapplication", "braking", "brake", "brake_more", 1),
        ("throttle_lift", "throttle", "throttle", "throttle_less", -1),
        ("traffic", "throttle", "throttle", "throttle_less", -1),
    )
}


def name_event(kind: str, measures: Measures, settings: DptadSettings) -> Rule:
    """The first rule of RULES that applies, or the kind's fallback."""
    for rule in RULES:
        if kind in rule.kinds and all(_holds(measures, name, limit, settings) for name, limit in rule.needs.items()):
            return rule
    return FALLBACKS[kind]


def _holds(measures: Measures, name: str, limit: str, settings: DptadSettings) -> bool:
    value = getattr(measures, name)
    return bool(value) if not limit else bool(value >= getattr(settings, limit))
