"""Processes of a stack that outlived its supervisor (it was killed with -9, say)."""

from __future__ import annotations

from pathlib import Path

import psutil

from deploy.embedded.layout import Layout

TERM_WAIT_S = 20.0
KILL_WAIT_S = 10.0


def find(layout: Layout) -> list[psutil.Process]:
    """Ours that still run though supervisord does not answer; that one too when it hangs."""
    mark = f"unix://{layout.socket}"
    found = [process for process in psutil.process_iter() if _marked(process, mark)]
    for process in (_supervisord(layout), _postmaster(layout)):
        if process and process not in found:
            found.append(process)
    return found


def stop(processes: list[psutil.Process]) -> None:
    """End them as their supervisor would have: politely, then with SIGKILL."""
    for process in processes:
        _signal(process, kill=False)
    _, alive = psutil.wait_procs(processes, TERM_WAIT_S)
    for process in alive:
        _signal(process, kill=True)
    psutil.wait_procs(alive, KILL_WAIT_S)


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        elif process.name() == "postgres":
            process.send_signal(2)
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        pass


def _marked(process: psutil.Process, mark: str) -> bool:
    """supervisord tells each child its own address, so the environment says whose child it was."""
    try:
        return process.environ().get("SUPERVISOR_SERVER_URL") == mark
    except (psutil.Error, OSError):
        return False


def _postmaster(layout: Layout) -> psutil.Process | None:
    """PostgreSQL writes its title over its environment; it leaves a pid file instead."""
    data: Path = layout.data("postgres") / "data"
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
        return process if Path(process.cwd()) == data.resolve() else None
    except (OSError, ValueError, psutil.Error):
        return None


def _supervisord(layout: Layout) -> psutil.Process | None:
    try:
        process = psutil.Process(int(layout.supervisor_pid.read_text()))
        return process if str(layout.supervisor_config) in process.cmdline() else None
    except (OSError, ValueError, psutil.Error):
        return None
