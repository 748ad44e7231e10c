"""The grx program's commands for upkeep: doctor and clean. Reads arguments and prints; no more."""

import sys

import click

from grx_pipeline.cli_options import folder_options, to_paste
from grx_pipeline.formats import counted
from grx_pipeline.settings import Settings


@click.command()
@click.option("--repair", is_flag=True, help="Mark dead runs, and have steps run again whose files are damaged.")
@folder_options
def doctor(settings: Settings, *, repair: bool) -> None:
    """Look at everything: the machine, every file against its hash, records of runs. Says what to do."""
    from grx_pipeline.upkeep.doctor import examine

    faults = 0
    for finding in examine(settings, is_repairing=repair, progress=lambda text: print(text, file=sys.stderr)):
        faults += finding.state == "fault"
        remedy = f"\n       -> {to_paste(finding.remedy)}" if finding.remedy else ""
        print(f"{finding.state:5}  {finding.what}  {finding.where}: {finding.text}{remedy}")
    print(counted(faults, "fault") if faults else "no faults")
    sys.exit(1 if faults else 0)


@click.command()
@click.argument("sessions", nargs=-1, metavar="[SESSION...]")
@click.option("--yes", is_flag=True, help="Remove it; without this it is only shown.")
@folder_options
def clean(settings: Settings, sessions: tuple[str, ...], *, yes: bool) -> None:
    """Show what can go, and with --yes remove it: leftovers, old builds, old records; tables of sessions you name.

    Raw files and published pages always stay.
    """
    from grx_pipeline.upkeep.clean import carry_out, plan_cleaning

    plan = plan_cleaning(settings, named=sessions)
    for removal in plan.removals:
        print(f"{removal.size / 1e6:10,.1f} MB  {removal.what}: {removal.why}")
    for sentence in plan.kept:
        print(f"      kept     {to_paste(sentence)}")
    size = sum(removal.size for removal in plan.removals)
    if yes:
        carry_out(plan, settings)
    told = "removed" if yes else to_paste(f"can go; `{' '.join(('grx clean --yes', *sessions))}` removes it")
    print(f"{size / 1e6:10,.1f} MB  {told}" if plan.removals else "nothing to remove")
