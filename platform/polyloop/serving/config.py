"""The Serve config of a spec: what serve_config.yaml holds for the quickstart, and what `polyloop up` deploys.

Input: a loaded spec. Output: a dictionary or YAML. Every deployment's options are written out, so that they can be read
and changed in one place.
"""

from typing import Any

import yaml

from polyloop.serving import options
from polyloop.spec.loader import LoadedSpec


def serve_config(loaded: LoadedSpec, *, spec: str | None = None) -> dict[str, Any]:
    """Return the Serve config that deploys a spec.

    `spec` is the path that the cluster's processes read the spec from, if it is not the one it was loaded from.
    """
    serving = loaded.spec.serving
    args = {"spec": spec or str(loaded.path)}
    # Serve builds an application anew where its arguments change, and looks at the names of deployments only then.
    here = {"in_router": ",".join(sorted(moved))} if (moved := options.in_router(loaded.spec)) else {}
    tasks = [
        {"name": options.task_deployment(name), **options.task_options(task.serving)}
        for name, task in options.in_replicas(loaded.spec).items()
    ]
    router = {"name": options.ROUTER, **options.ingress_options(serving)}
    collector = {"name": options.COLLECTOR, **options.ingress_options(serving)}
    scheduler = {"name": options.SCHEDULER, **options.background_options()}
    shadow = {"name": options.SHADOW, **options.background_options()}
    return {
        "proxy_location": "EveryNode",
        "http_options": {
            "host": serving.host,
            "port": serving.port,
            "request_timeout_s": serving.request_timeout_s + options.PROXY_GRACE_S,
        },
        # Serve's access line knows neither task nor version nor key; the router writes its own (serving.access_log).
        "logging_config": {"encoding": serving.logs.upper(), "enable_access_log": False},
        "applications": [
            _application("polyloop", "/", "build", args | here, [router, *tasks]),
            _application("polyloop-feedback", "/v1/feedback", "build_feedback", args, [collector]),
            _application("polyloop-scheduler", None, "build_scheduler", args, [scheduler]),
            _application("polyloop-shadow", None, "build_shadow", args, [shadow]),
        ],
    }


def _application(
    name: str, route_prefix: str | None, builder: str, args: dict[str, str], deployments: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "route_prefix": route_prefix,
        "import_path": f"polyloop.serving.app:{builder}",
        "args": dict(args),
        "deployments": deployments,
    }


class _PlainDumper(yaml.SafeDumper):
    """Writes repeated values out, with no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Say that nothing is referred to."""
        return True


def config_text(config: dict[str, Any]) -> str:
    """Return a Serve config as YAML."""
    return yaml.dump(config, Dumper=_PlainDumper, sort_keys=False)
