"""An embedded Ray head for one machine: started as a process group of its own, found again by a file, stopped by pid.

Input: a home folder. Output: a running head with its dashboard, in throughput and HAProxy mode (decision 0002).
Only loopback addresses are bound by Ray's own services. `stop` ends exactly the processes that `start` began.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from polyloop.cluster.ports import free_ports
from polyloop.errors import ClusterError
from polyloop.spec.settings import child_environment

STATE_FILE = "head.json"
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
DRAIN_S = "1"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Head:
    """A started head: its process, and where to reach it."""

    pid: int
    started_ticks: int
    """Start time of the process in clock ticks since boot, so that a recycled pid is never taken for it."""
    gcs_address: str
    dashboard_url: str
    log_path: str
    ray_folder: str
    """Ray's own files: sessions, sockets, logs; removed when the head is stopped."""

    @property
    def alive(self) -> bool:
        """True while the process that was started runs."""
        return _start_ticks(self.pid) == self.started_ticks


def find_head(home: Path) -> Head | None:
    """Return the live head of a home folder, or None."""
    try:
        head = Head(**json.loads((home / STATE_FILE).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # none was started, or its file was left half-written by a start that was killed
    return head if head.alive else None


def start_head(home: Path, *, num_cpus: int, environment: Mapping[str, str] | None = None) -> Head:
    """Start a head for `home` and wait until its dashboard answers; ClusterError if one runs already or it fails."""
    if find_head(home):
        raise ClusterError(f"a Ray head of {home} runs already; stop it with `polyloop down`")
    home.mkdir(parents=True, exist_ok=True)
    gcs_port, dashboard_port, agent_port, agent_grpc_port, metrics_port, haproxy_metrics, haproxy_stats = free_ports(7)
    # Unix socket paths are limited to 107 bytes, so Ray's own folder cannot lie in a deep home folder.
    ray_folder = Path(tempfile.mkdtemp(prefix="polyloop-"))
    log_path = home / "ray-head.log"
    child = child_environment(
        {
            "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": DRAIN_S,
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(ray_folder / "haproxy.cfg"),
            "RAY_SERVE_HAPROXY_SOCKET_PATH": str(ray_folder / "haproxy.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(ray_folder),
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(ray_folder / "haproxy-state"),
            "RAY_SERVE_HAPROXY_METRICS_PORT": str(haproxy_metrics),
            "RAY_SERVE_HAPROXY_STATS_PORT": str(haproxy_stats),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            **(environment or {}),
        }
    )
    child.pop("RAY_ADDRESS", None)
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    subprocess.run([*ray, "get-auth-token", "--generate"], env=child, capture_output=True, check=False)
    command = [*ray, "start", "--head", "--block", "--disable-usage-stats", f"--num-cpus={num_cpus}"]
    command += [f"--node-ip-address={LOOPBACK}", f"--port={gcs_port}", f"--temp-dir={ray_folder}"]
    command += ["--include-dashboard=true", f"--dashboard-host={LOOPBACK}", f"--dashboard-port={dashboard_port}"]
    command += [f"--dashboard-agent-listen-port={agent_port}", f"--dashboard-agent-grpc-port={agent_grpc_port}"]
    command += [f"--metrics-export-port={metrics_port}"]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, env=child, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    # Waiting in a thread takes the process off the system's list when it ends, whoever stopped it.
    threading.Thread(target=process.wait, name="ray-head", daemon=True).start()
    head = Head(
        pid=process.pid,
        started_ticks=_start_ticks(process.pid) or 0,
        gcs_address=f"{LOOPBACK}:{gcs_port}",
        dashboard_url=f"http://{LOOPBACK}:{dashboard_port}",
        log_path=str(log_path),
        ray_folder=str(ray_folder),
    )
    (home / STATE_FILE).write_text(json.dumps(asdict(head), indent=2))
    try:
        _wait_for_dashboard(head, process)
    except ClusterError:
        stop_head(head)
        raise
    return head


def stop_head(head: Head) -> None:
    """End the head and everything it started: politely first, by force after `STOP_TIMEOUT_S`."""
    if head.alive:
        with suppress(ProcessLookupError):  # it may end by itself meanwhile
            os.kill(head.pid, signal.SIGTERM)
            if not _wait_until(lambda: not head.alive, STOP_TIMEOUT_S):
                os.killpg(head.pid, signal.SIGKILL)
                _wait_until(lambda: not head.alive, STOP_TIMEOUT_S)
    shutil.rmtree(head.ray_folder, ignore_errors=True)


def _wait_for_dashboard(head: Head, process: "subprocess.Popen[bytes]") -> None:
    def ready() -> bool:
        if process.poll() is not None:
            tail = Path(head.log_path).read_text(errors="replace").strip().splitlines()[-1:]
            raise ClusterError(f"Ray did not start: {' '.join(tail)} (see {head.log_path})")
        return _answers(head.dashboard_url)

    if not _wait_until(ready, START_TIMEOUT_S):
        raise ClusterError(f"Ray's dashboard did not answer within {START_TIMEOUT_S:g} s (see {head.log_path})")


def _answers(dashboard_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{dashboard_url}/api/version", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # it wants a token, so it is up
    except OSError:
        return False


def _wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return condition()


def _start_ticks(pid: int) -> int | None:
    """Return the start time of a live process in clock ticks since boot (field 22 of /proc/PID/stat), or None."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])
