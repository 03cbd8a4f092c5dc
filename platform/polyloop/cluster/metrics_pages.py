"""Reads the Prometheus pages of a cluster's nodes, as a scraper would.

Input: the dashboard's URL. Output: the addresses that Ray tells scrapers, and the text of each page. Errors:
ClusterError where the dashboard does not answer; a node that does not answer is left out, since a status has to be
shown when a node is lost, above all.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from polyloop.cluster.failures import named_cluster_failures
from polyloop.spec.settings import apply_ray_environment

DISCOVERY = "/api/prometheus/sd"
"""Where Ray's dashboard tells the nodes, in the form of Prometheus' discovery over HTTP."""
PAGE_TIMEOUT_S = 2.0
MAX_AT_ONCE = 16


def metrics_targets(dashboard_url: str) -> tuple[str, ...]:
    """Return host:port of each page; empty while a new cluster has not told any yet."""
    apply_ray_environment()
    from ray.dashboard.modules.dashboard_sdk import SubmissionClient

    with named_cluster_failures(dashboard_url):
        # Ray's client knows the cluster's token; there is no public call for a page of the dashboard.
        answer = SubmissionClient(dashboard_url)._do_request("GET", DISCOVERY)
        answer.raise_for_status()
        return tuple(target for group in answer.json() for target in group["targets"])


def read_pages(targets: Sequence[str]) -> dict[str, str]:
    """Return the text of each page that came within `PAGE_TIMEOUT_S` seconds."""
    with ThreadPoolExecutor(max_workers=MAX_AT_ONCE, thread_name_prefix="pages") as threads:
        pages = dict(zip(targets, threads.map(_read, targets), strict=True))
    return {target: text for target, text in pages.items() if text is not None}


def _read(target: str) -> str | None:
    try:
        answer = httpx.get(f"http://{target}/metrics", timeout=PAGE_TIMEOUT_S, trust_env=False)
        return answer.raise_for_status().text
    except httpx.HTTPError:
        return None
