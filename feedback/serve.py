"""The production server: granian's processes, forked from one that has imported the application, and the worker.

Nothing here writes an access log, since its lines would carry addresses.
"""

import gc
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from feedback import logs, worker
from feedback.db import bound_waiting, dispose

THREADS = 4  # a process; more only wait for SQLite's one writer, fewer let one waiting write hold up reads
WAITING = 256  # connections a process takes at once; the rest wait in the kernel's queue
HEADERS_SECONDS = 10  # that a client may take to send its headers
DRAIN_SECONDS = 10  # that requests in flight have after a signal to stop; a write is answered within 6
READY_SECONDS = 20  # until the first process answers
RESPAWN_PAUSE = 0.2  # seconds until a server process that died is replaced
WATCH_SECONDS = 0.1  # between two looks at whether to stop
STARTING_SECONDS = 1.0  # that a server process takes, at most, from its fork until it hears a signal
RESTART_SECONDS = 3.0  # before a worker that ended is started again, so that one that cannot run costs little

log = logging.getLogger(__name__)


class _Server(MPServer):
    """Granian's server, which also says when it answers, ends in time, and takes Ctrl-C for no failure."""

    announce: Callable[[], None]

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        super()._spawn_workers(spawn_target, target_loader)  # type: ignore[no-untyped-call]
        if _answers(self.bind_addr, self.bind_port):
            self.announce()

    def _respawn_workers(self, *args: Any, **kwargs: Any) -> None:
        # Granian ends the service where one process dies twice within 5.5 seconds. The other processes still serve, so
        # this goes on, with a pause, lest a process that cannot start keep the machine busy.
        time.sleep(RESPAWN_PAUSE)
        super()._respawn_workers(*args, **kwargs)
        self.respawned_wrks.clear()

    def _stop_workers(self) -> None:
        # Granian looks once whether a process has ended, and may look before its own watcher knows; this looks again.
        for process in self.wrks:
            process.interrupt_by_parent = True
            process.inner.terminate()
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(process.inner.is_alive() for process in self.wrks) and time.monotonic() < deadline:
            time.sleep(0.01)
        for process in self.wrks:
            process.inner.kill()
        self.wrks.clear()

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        if os.getpid() != self.pid:
            # A process just forked, which has this handler until it sets its own, and serves nobody yet.
            os._exit(0)
        for process in self.wrks:
            process.interrupt_by_parent = True
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]


def run(
    app: Flask, *, host: str, port: int, processes: int, with_worker: bool, announce: Callable[[], None] = lambda: None
) -> None:
    """Serve until SIGTERM or SIGINT, then let requests in flight end. `announce` is called once it answers.

    Raises OSError where the address cannot be had.
    """
    logs.begin()
    _claim(host, port)
    # Forked, so that the processes share the memory of what is imported; Python 3.14 would start them afresh.
    multiprocessing.set_start_method("fork", force=True)
    dispose(app)  # a connection must not be shared between processes
    beside = _Worker(app) if with_worker else None
    try:
        _serve(app, host, port, processes, announce)
    finally:
        if beside is not None:
            beside.stop()


def _serve(app: Flask, host: str, port: int, processes: int, announce: Callable[[], None]) -> None:
    server = _Server(
        "feedback",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=THREADS,
        backpressure=WAITING,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_SECONDS * 1000),
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=logs.CONFIG,
        respawn_failed_workers=True,
    )
    server.announce = announce
    # What is imported stays out of later collections, whose marks would unshare its memory.
    gc.collect()
    gc.freeze()
    try:
        server.serve(target_loader=_loader(app), wrap_loader=False)
    except SystemExit:
        if not server.interrupt_signal:
            raise


def _loader(app: Flask) -> Callable[..., Flask]:
    parent = os.getpid()

    def load(*_: object) -> Flask:
        """Run in each server process before it listens."""
        _stop_once(parent)
        bound_waiting(app)
        # Granian hands the whole environment to every request; the secrets in it have been read already.
        for name in [name for name in os.environ if name.startswith("FEEDBACK_")]:
            del os.environ[name]
        return app

    return load


def _stop_once(parent: int) -> None:
    """Stop this server process at the first SIGTERM, or when its parent is gone, however that ended.

    Signals reach a process from several sides: Ctrl-C and systemd send theirs to all, and the parent's SIGTERM follows.
    Granian drops the requests in flight at a second signal and misses one that comes before it serves. So signals wait
    here, blocked in every thread, and granian's handler is called once and not too early.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    ready = time.monotonic() + STARTING_SECONDS

    def watch() -> None:
        while os.getppid() == parent and signal.SIGTERM not in signal.sigpending():
            time.sleep(WATCH_SECONDS)
        time.sleep(max(0.0, ready - time.monotonic()))
        stop = signal.getsignal(signal.SIGTERM)
        assert callable(stop)
        stop(signal.SIGTERM, None)

    threading.Thread(target=watch, daemon=True, name="watch").start()


class _Worker:
    """The worker beside the server, in a process of its own that is started again where it ends by itself."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.process = _start_worker(app)
        threading.Thread(target=self._keep, daemon=True, name="keep").start()

    def _keep(self) -> None:
        while not self.stopping.is_set():
            self.process.join()
            if not self.stopping.wait(RESTART_SECONDS):
                self._start_again()

    def _start_again(self) -> None:
        with self.lock:
            if not self.stopping.is_set():
                log.warning("The worker ended (exit code %s). It is started again.", self.process.exitcode)
                self.process = _start_worker(self.app)

    def stop(self) -> None:
        """Let the worker end what it is at, for as long as requests may take to end."""
        with self.lock:
            self.stopping.set()
        self.process.terminate()
        self.process.join(DRAIN_SECONDS)
        # What it was at is leased or one transaction: nothing is lost, and nobody waits for it for ever.
        self.process.kill()


def _start_worker(app: Flask) -> multiprocessing.Process:
    parent = os.getpid()

    def work() -> None:
        # Ctrl-C reaches this process, too; it waits for its parent's word.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        threading.Thread(target=leave_with_parent, daemon=True, name="watch").start()
        worker.run(app)

    def leave_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    process = multiprocessing.Process(target=work, name="feedback-worker", daemon=True)
    process.start()
    return process


def _claim(host: str, port: int) -> None:
    """Raise OSError where the address is not free: granian would share a port with a second server in silence."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)


def _answers(host: str, port: int) -> bool:
    """Wait until a connection is taken."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((reachable, port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False
