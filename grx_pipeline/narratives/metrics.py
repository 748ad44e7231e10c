"""Every metric that a fact can be: its unit, how it is read, and which words have to stand around it.

A clause that holds a fact names it by one word of every group in `words` and by none of `never`; on an axis it also
says on which side. That is what makes a swapped fact, unit or sign show (verify.py).
"""

from collections.abc import Mapping

from grx_pipeline.narratives.metric import Metric, label, whole_sentence
from grx_pipeline.narratives.metrics_driving import DRIVING_METRICS
from grx_pipeline.narratives.metrics_field import FIELD_METRICS
from grx_pipeline.narratives.metrics_race import RACE_METRICS

_NAMES: Mapping[str, Metric] = {
    "car": label("a car, as #13"),
    "driver": label("a car with its driver's name"),
    "traced_car": label("the car whose lap is the class best on the traces"),
    "winner": label("the winner", "won", "winner", "wins"),
    "steadiest": label("the car with the best consistency score", "steadiest", "most"),
    "steadier": label("of two cars the one with the better consistency score", "steadier"),
    "largest_gainer": label("the car whose target is furthest from its best clean lap", "most", "largest"),
    "corner": label("a corner"),
    "sector_name": label("a sector"),
    "dearest_corner": label("the corner where most is lost", "dearest", "biggest", "largest", "most"),
    "sole_sector": label("the sector with all of the target"),
    "most_sector": label("the sector with more than half of the target", "most", "biggest", "largest"),
    "largest_sector": label("the sector with the largest part of the target, half of it or less", "largest", "biggest"),
    "widest_sector": label("the sector furthest from the class best", "widest", "furthest", "biggest"),
    "closest_sector": label("the sector nearest to the class best", "closest", "nearest"),
    "strongest_sector": label("the same, where the place is the driver's best too", "closest", "strongest", "nearest"),
    "segment_name": label("a part of the lap, as T5 exit"),
    "changed_sector": label("the sector with most of a change of pace", "most", "largest"),
    "busiest_corner": label("the corner with most of the unusual moments", "most"),
    "phase": label("a phase of a corner"),
    "reference": label("what the driver is compared with"),
    "circuit": label("the circuit"),
    "event_type": label("the kind of an unusual moment"),
    "dearest_event": label("the kind of the unusual moment that cost most", "dearest", "most"),
    "channel": label("brake, throttle, steering or speed"),
    "advice": whole_sentence("what to do, by the rule that applies"),
    "note": whole_sentence("what is missing or limits the figures, in a sentence of its table"),
    "step": Metric(text="how far to move a mark at a time", unit="text", form="text", words=(("step",),)),
}
METRICS: Mapping[str, Metric] = {**_NAMES, **RACE_METRICS, **DRIVING_METRICS, **FIELD_METRICS}
