"""Write each server's random password and the API's tokens once, into the volume that only its readers mount.

`python -m deploy.docker.write_secrets [FOLDER]` makes, in FOLDER (default `/run/axiom`), one folder a
server with its password as a file named like the setting (`axiom_postgres_password`, read through
`AXIOM_SECRETS_DIR`) and, where the server wants a form of its own, a second file with that form. A
password that is already there is kept, so running it again changes nothing.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

DEFAULT_ROOT = Path("/run/axiom")
# Read by the owner and by the group that compose gives to the servers (`group_add`); writable by nobody.
FILE_MODE = 0o440
FOLDER_MODE = 0o750

# server -> {file name: its content, with the password filled in}
SERVER_FORMS: Mapping[str, Mapping[str, str]] = {
    "postgres": {},
    "redis": {"redis.conf": "requirepass {password}\n"},
    "neo4j": {"neo4j_auth": "neo4j/{password}"},
    "grafana": {},
}


# What the API lets people in with; `axiom token` shows them.
API_TOKENS = ("axiom_api_viewer_token", "axiom_api_operator_token")


def password_file(server: str) -> str:
    """The file that holds a server's password: the setting's name in lower case."""
    return f"axiom_{server}_password"


def write_once(path: Path, content: str) -> bool:
    """Write a file that nobody can change later, unless it exists; True if it was written.

    The file appears whole or not at all, so that a kill half-way leaves no short password behind.

    Raises:
        OSError: the folder can't be written.
    """
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(content, encoding="utf-8")
    draft.chmod(FILE_MODE)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def write_server(folder: Path, server: str, forms: Mapping[str, str]) -> bool:
    """Make one server's folder complete; True if its password is new."""
    folder.mkdir(parents=True, exist_ok=True)
    # Hexadecimal: safe in a URL, a configuration file and on a command line (no leading dash).
    fresh = write_once(folder / password_file(server), secrets.token_hex(32))
    password = (folder / password_file(server)).read_text(encoding="utf-8")
    for name, template in forms.items():
        write_once(folder / name, template.format(password=password))
    folder.chmod(FOLDER_MODE)
    return fresh


def write_tokens(folder: Path) -> bool:
    """Make the API's folder complete; True if a token is new."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = [write_once(folder / name, secrets.token_hex(32)) for name in API_TOKENS]
    folder.chmod(FOLDER_MODE)
    return any(fresh)


def main(arguments: list[str]) -> int:
    """Write what is missing and say, without showing any, which passwords are new."""
    root = Path(arguments[0]) if arguments else DEFAULT_ROOT
    for server, forms in SERVER_FORMS.items():
        fresh = write_server(root / server, server, forms)
        sys.stdout.write(f"{server}: {'password written' if fresh else 'password kept'}\n")
    sys.stdout.write(f"api: {'tokens written' if write_tokens(root / 'api') else 'tokens kept'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
