"""The scheduler's metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

TICKS = Counter("axiom_scheduler_ticks_total", "Ticks that are over, by outcome", ["job", "outcome"])
COMMANDS = Counter("axiom_scheduler_commands_total", "Commands to owners", ["job", "kind"])
FENCED = Counter("axiom_scheduler_fenced_total", "Decisions refused because another leads by now")
LEADS = Gauge("axiom_scheduler_leads", "1 while this scheduler leads")
OPEN = Gauge("axiom_scheduler_open_ticks", "Ticks that are not over", ["job"])
LATE = Gauge("axiom_scheduler_late_seconds", "How late the oldest tick is that has had no attempt yet")
JUMPS = Counter("axiom_scheduler_clock_jumps_total", "Times that the wall clock jumped")
