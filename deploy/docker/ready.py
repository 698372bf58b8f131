"""The containers' health check: exit 0 when this service's /ready answers 200, else 1 with the reason.

Run as a file with the standard library alone, because it runs every few seconds in every container.
"""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT_S = 3.0


def check(port: int) -> tuple[bool, str]:
    """Whether the service on this port of the container is ready, and what it said."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/ready")
        response = connection.getresponse()
        said = response.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return False, repr(error)
    finally:
        connection.close()
    return response.status == 200, said


def main() -> int:
    """Print what the service says of itself (`docker inspect` shows it) and tell by the exit code."""
    ready, said = check(int(os.environ.get("AXIOM_SERVICE_HEALTH_PORT", "8080")))
    sys.stdout.write(said)
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main())
