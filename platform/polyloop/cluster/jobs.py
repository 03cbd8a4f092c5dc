"""Submits and watches Ray jobs.

Input: the dashboard's URL (or, inside the cluster, its control store's address) and a command. Output: job ids and
states. Errors: ClusterError when the cluster is not there. Limits: a Ray job runs once and dies with its cluster;
retries are the loop run's business (polyloop.retraining).
"""

from typing import Any

from polyloop.cluster.failures import named_cluster_failures
from polyloop.spec.settings import apply_ray_environment

SUCCEEDED = "SUCCEEDED"
ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})


def submit_job(
    cluster: str, command: str, *, job_id: str | None = None, environment: dict[str, str] | None = None
) -> str:
    """Start `command` on the cluster's head and return the job's id, which is `job_id` where that is given."""
    runtime_env = {"env_vars": environment or {}}
    with named_cluster_failures(cluster):
        return str(_client(cluster).submit_job(entrypoint=command, submission_id=job_id, runtime_env=runtime_env))


def job_state(cluster: str, job_id: str) -> str:
    """Return PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED."""
    with named_cluster_failures(cluster):
        return str(_client(cluster).get_job_status(job_id).value)


def job_log(cluster: str, job_id: str) -> str:
    """Return what a job has printed so far."""
    with named_cluster_failures(cluster):
        return str(_client(cluster).get_job_logs(job_id))


def _client(cluster: str) -> Any:
    apply_ray_environment()
    from ray.job_submission import JobSubmissionClient

    return JobSubmissionClient(cluster)
