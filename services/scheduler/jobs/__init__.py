"""One module a job, with `JOB`; or several of a kind, with `JOBS`. `declared()` finds them by looking."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection

from axiom.errors import Misconfigured
from axiom.scheduling.job import Job


def declared() -> dict[str, Job]:
    """Every declared job by name.

    Raises:
        Misconfigured: two have one name, or one waits for a job that is not there.
    """
    jobs: dict[str, Job] = {}
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{__name__}.{found.name}")
        for job in getattr(module, "JOBS", None) or (module.JOB,):
            if jobs.setdefault(job.name, job) is not job:
                raise Misconfigured(f"two jobs are named {job.name}")
    for job in jobs.values():
        if missing := {other.job for other in job.after} - jobs.keys():
            raise Misconfigured(f"job {job.name} waits for {missing}, which nobody declares")
    return jobs


def chosen(names: Collection[str]) -> dict[str, Job]:
    """The declared jobs of these names, and those they wait for; all of them for no name.

    Raises:
        Misconfigured: there is no such job.
    """
    jobs = declared()
    if unknown := set(names) - jobs.keys():
        raise Misconfigured(
            f"AXIOM_SCHEDULER_JOBS names {', '.join(sorted(unknown))}; there are {', '.join(jobs)}"
        )
    if not names:
        return jobs
    wanted, todo = set(names), list(names)
    while todo:
        others = {other.job for other in jobs[todo.pop()].after} - wanted
        wanted |= others
        todo += others
    return {name: job for name, job in jobs.items() if name in wanted}
