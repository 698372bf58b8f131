"""Write the configuration of Prometheus, Alertmanager and Grafana into the volume that they mount.

`python -m deploy.docker.write_monitoring [FOLDER]` makes, in FOLDER (default `/run/axiom/monitoring`), a
folder for each of them. Everything is written anew each time: it follows from the services that exist and
from `AXIOM_ALERTS_*`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import services
from axiom.errors import Misconfigured
from axiom.settings import load
from deploy.observability import alerting, provisioning, scraping

DEFAULT_ROOT = Path("/run/axiom/monitoring")
HEALTH_PORT = 8080
ALERTMANAGER = "alertmanager:9093"
# Alertmanager's file may hold the password of a mail server: its group alone may read it.
FILE_MODE = 0o440
FOLDER_MODE = 0o750


def files(settings: alerting.AlertsSettings) -> dict[str, str]:
    """Every file by its path, with its text."""
    folders = [path.parent for root in services.__path__ for path in Path(root).glob("*/service.toml")]
    names = [folder.name.replace("_", "-") for folder in folders]
    jobs = [scraping.services_by_name(names, HEALTH_PORT)]
    return {
        "prometheus/prometheus.yml": scraping.configuration(jobs, ALERTMANAGER),
        **{f"prometheus/{name}": text for name, text in scraping.rules().items()},
        "alertmanager/alertmanager.yml": alerting.configuration(settings),
        **{f"grafana/{name}": text for name, text in provisioning.files().items()},
    }


def write(root: Path, wanted: dict[str, str]) -> None:
    """Make these all the files under `root`.

    Raises:
        OSError: the folder can't be written.
    """
    for old in root.iterdir():
        shutil.rmtree(old)
    for name, text in wanted.items():
        path = root / name
        for folder in reversed([parent for parent in path.parents if parent.is_relative_to(root)]):
            folder.mkdir(exist_ok=True)
            folder.chmod(FOLDER_MODE)
        path.write_text(text, encoding="utf-8")
        path.chmod(FILE_MODE)


def main(arguments: list[str]) -> int:
    """Write all; the exit code is 2 where a setting is wrong."""
    try:
        wanted = files(load(alerting.AlertsSettings))
    except Misconfigured as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write(Path(arguments[0]) if arguments else DEFAULT_ROOT, wanted)
    sys.stdout.write(f"{len(wanted)} files written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
