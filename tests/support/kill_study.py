"""Runs of a small session that are killed at random moments, and what is left of them."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from grx_pipeline.publishing.place import Place
from grx_pipeline.publishing.verify import verify_site
from grx_pipeline.storage.leftovers import session_leftovers, shared_leftovers
from grx_pipeline.storage.locks import lock_holder
from support.small_runs import SESSION, SmallRuns, Watched, differences

AT_THE_START, AT_THE_END = "before the first step", "after the front page"
_BASE = "base"
_GONE_WITHIN_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A way to run the session, and how that goes where nobody disturbs it."""

    name: str
    base: str | None
    force: bool
    pace_factor: float
    undisturbed: Watched
    outputs: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Killed:
    """A killed run: the step it was at, and what was wrong afterwards."""

    scenario: str
    step: str
    was_killed: bool
    problems: tuple[str, ...]


class KillStudy:
    """Two ways to run the session, each once undisturbed: for the first time, and all again over a published site."""

    def __init__(self, runs: SmallRuns) -> None:
        self._runs = runs
        first = self._scenario("first run", base=None, force=False, pace_factor=1.04)
        runs.keep(_BASE)
        again = self._scenario("all again over a published site", base=_BASE, force=True, pace_factor=1.03)
        self.scenarios = (first, again)

    def _scenario(self, name: str, *, base: str | None, force: bool, pace_factor: float) -> Scenario:
        self._runs.reset(base)
        run = self._runs.run(force=force, pace_factor=pace_factor)
        assert run.status == 0, run.said
        outputs = self._runs.outputs()
        return Scenario(name=name, base=base, force=force, pace_factor=pace_factor, undisturbed=run, outputs=outputs)

    def kill_once(self, scenario: Scenario, random: Random) -> Killed:
        """Kill a run at a random step, at a random moment of it, look at what is left, and run again."""
        self._runs.reset(scenario.base)
        seen = scenario.undisturbed
        place = random.randrange(len(seen.ends_s))
        lasts = seen.ends_s[place] - (seen.ends_s[place - 1] if place else 0.0)
        killed = self._runs.run(
            force=scenario.force, pace_factor=scenario.pace_factor, kill_after=(place, random.random() * lasts)
        )
        names = (AT_THE_START, *seen.steps[1:], AT_THE_END)
        return Killed(
            scenario=scenario.name,
            step=names[min(len(killed.steps), len(names) - 1)],
            was_killed=killed.was_killed,
            problems=(*self._broken(scenario), *self._unlike(scenario)),
        )

    def _broken(self, scenario: Scenario) -> Iterator[str]:
        """What a reader or the next run would stumble over right after the kill."""
        paths = self._runs.paths
        if not self._is_free():
            yield f"the lock is held by {lock_holder(paths.lock(SESSION))}"
        if paths.published(SESSION).is_symlink():
            yield from verify_site(Place.at(str(paths.reports)), progress=lambda _: None).problems
        elif scenario.base is not None:
            yield "the published site is gone"

    def _is_free(self) -> bool:
        """Whether nobody holds the lock, once the kernel has ended the copies of the killed process too."""
        deadline = time.monotonic() + _GONE_WITHIN_S
        while lock_holder(self._runs.paths.lock(SESSION)) is not None:
            if time.monotonic() > deadline:
                return False
        return True

    def _unlike(self, scenario: Scenario) -> Iterator[str]:
        """Run again; what is not as after an undisturbed run."""
        paths = self._runs.paths
        again = self._runs.run(pace_factor=scenario.pace_factor)
        if again.status:
            yield f"the next run ended with {again.status}: {again.said}"
            return
        for name in differences(self._runs.outputs(), scenario.outputs):
            yield f"{name}: not as after an undisturbed run"
        yield from verify_site(Place.at(str(paths.reports)), progress=lambda _: None).problems
        yield from (f"{path}: left behind" for path in session_leftovers(paths, SESSION))
        yield from (f"{path}: left behind" for path in shared_leftovers(paths))
        with contextlib.closing(sqlite3.connect(paths.dagster_home / "history" / "runs.db")) as runs:
            for (status,) in runs.execute("SELECT status FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE')"):
                yield f"a run is recorded as {status}"
