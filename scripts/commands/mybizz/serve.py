"""``mybizz serve``: all instances, until told to stop. What systemd starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from app_server.logs import FORMATS
from scripts.commands.mybizz.job import Answer, Job, database, operation
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import ROOT, OperationError
from scripts.operations.instances import list_instances
from scripts.operations.observing.guard_thread import guarding
from scripts.operations.postgres import database_server
from scripts.operations.provision import move_to_port, move_to_server
from scripts.operations.serving import end_with_parent, require_free_port, stop_group
from scripts.operations.upgrading import attend, settle_all

FIRST_PASSED = 3
"""SD_LISTEN_FDS_START: the socket that systemd hands over, see sd_listen_fds(3)."""
PASSED_ON = (signal.SIGHUP, signal.SIGUSR2)
ENDS = (signal.SIGTERM, signal.SIGINT)
# The shell knows its own number, which is the server's as soon as it becomes that.
HAND_OVER = 'export LISTEN_PID=$$; exec "$@"'


@click.command("serve")
@click.option("--ip", default="127.0.0.1", show_default=True, help="Where it listens.")
@click.option("--port", type=click.IntRange(1, 65535), default=3030, show_default=True)
@click.option("--log-format", type=click.Choice(sorted(FORMATS)), default="text", show_default=True)
@click.option("--only-database", is_flag=True, help="Only the embedded Postgres, for others.")
@database
@operation()
def serve(job: Job, ip: str, port: int, log_format: str, only_database: bool) -> Answer:
    """Serve all instances until Ctrl-C or SIGTERM, with the embedded Postgres where it is ours.

    Unlike scripts/run it makes no instance and runs as a service: it takes the socket that systemd
    hands over; SIGHUP reads everything anew, SIGUSR2 starts the server anew without refusing
    anybody. Instances that are made meanwhile are served at once. Addresses on this machine follow
    the port, or go below MYBIZZ_DOMAIN where that is set.

    \b
      scripts/mybizz serve --port 3030
      scripts/mybizz deploy systemd          # units that run it
    """
    is_passed = os.environ.get("LISTEN_PID") == str(os.getpid())
    if only_database and job.database:
        raise click.UsageError(
            "--only-database is for the embedded Postgres; leave --database out."
        )
    if not (is_passed or only_database):
        require_free_port(port)
    job.home.make()
    with database_server(job.home, job.database) as server:
        if only_database:
            _hold_database(job, f"Postgres is at {server.host} port {server.port}.")
            return Answer({"port": server.port}, "Stopped.")
        for each in list_instances(job.home):
            move_to_port(each, port)
            if not job.database:
                move_to_server(each, server)
        settle_all(job.home, server, job.say)
        words = ["--instances", str(job.home.instances), "--ip", ip, "--port", str(port)]
        command = [sys.executable, "-m", "app_server", *words, "--log-format", log_format]
        with _running(command, is_passed) as child:
            code = _wait_for(job, child, server)
    if code:
        raise OperationError(f"The server ended (exit code {code}); the reason stands above.")
    return Answer({"port": port}, "Stopped.")


def _hold_database(job: Job, said: str) -> None:
    """Until somebody says that it is enough. Signals are taken by sigwait(3): one that comes before
    we wait for it is not lost."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        job.say(said)
        tell_service_manager("READY=1")
        signal.sigwait(ENDS)
        tell_service_manager("STOPPING=1")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for(job: Job, child: subprocess.Popen[bytes], server: DatabaseServer) -> int:
    """The server's exit code; 0 where it was asked to end."""
    try:
        with guarding(job.home):
            return attend(child, job.home, server, job.say)
    except KeyboardInterrupt:
        job.say("Stopping ...")
        stop_group(child)
        return 0


def tell_service_manager(state: str) -> None:
    """Source: sd_notify(3), "Notes": a datagram to the socket that the environment names."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)


@contextmanager
def _running(command: Sequence[str], is_passed: bool) -> Iterator[subprocess.Popen[bytes]]:
    """The server as a child that gets our signals and, where we have it, systemd's socket."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("LISTEN_PID", None)
    if is_passed:
        command = ["/bin/sh", "-c", HAND_OVER, "sh", *command]
    child = subprocess.Popen(
        command,
        env=environment,
        pass_fds=(FIRST_PASSED,) if is_passed else (),
        start_new_session=True,
        preexec_fn=end_with_parent,
    )

    def pass_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON}
    try:
        yield child
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop_group(child)
