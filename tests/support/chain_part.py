"""The chain of steps up to one of them."""

from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.steps import StepContext


def run_up_to(name: str, context: StepContext) -> None:
    """Run the step and every step before it that it needs."""
    needed = {name}
    for step in reversed(STEPS.values()):
        needed |= set(step.reads) if step.name in needed else set()
    for step in STEPS.values():
        if step.name in needed:
            run_step(step, context)
