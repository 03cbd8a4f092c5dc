"""`polyloop up`, `down` and `status`: the platform on this machine."""

from typing import Annotated

import typer

from polyloop.cli.context import AsJson, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_rows
from polyloop.errors import ClusterError, SpecError


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up(
    context: typer.Context,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the config for `serve deploy` instead, and start nothing.")
    ] = False,
) -> None:
    """Start Ray on this machine and serve the project; the first time, an API key is made and printed once.

    Example: `polyloop up && curl localhost:8000/readyz`
    """

    from polyloop.serving.config import config_text, serve_config
    from polyloop.serving.embedded import bring_up

    if print_config:
        typer.echo(config_text(serve_config(of(context).loaded)), nl=False)
        return
    progress = ProgressLine()
    with progress.shown():
        service = bring_up(of(context).loaded, progress)
    messages.print(f"serving at {service.url}, its documentation at {service.url}/docs")
    messages.print(f"Ray's dashboard is at {service.head.dashboard_url}")
    if service.new_key:
        typer.echo(service.new_key)
        messages.print("this API key was made for you; keep it now, it is not shown again")


def down(context: typer.Context) -> None:
    """Stop what `up` started; data and models stay.

    Example: `polyloop down`
    """

    from polyloop.serving.embedded import take_down

    stopped = take_down(of(context).loaded)
    messages.print("stopped" if stopped else "nothing runs")


def status(
    context: typer.Context,
    as_json: AsJson = False,
    is_watching: Annotated[
        bool, typer.Option("--watch", help="Show each task's versions, rates and times, until Ctrl-C.")
    ] = False,
) -> None:
    """Show whether the project is served on this machine, and each deployment; with --watch, what its tasks do.

    --watch also follows a cluster that `ray start` began: the one whose dashboard POLYLOOP_RAY_ADDRESS names.

    Example: `polyloop status --json`
    """

    from polyloop.serving.embedded import service_status

    if is_watching:
        _watch(context, as_json)
        return
    found = service_status(of(context).loaded)
    if as_json:
        print_json(found)
        return
    if not found["running"]:
        messages.print("nothing runs; start it with `polyloop up`")
        return
    rows = [
        {"application": name, "deployment": deployment, "status": state["status"], "replicas": state["replicas"]}
        for name, application in found["applications"].items()
        for deployment, state in application["deployments"].items()
    ]
    print_rows(rows, as_json=False, title=f"Served at {found['url']}")


def _watch(context: typer.Context, as_json: bool) -> None:
    from polyloop.cli.status_watch import watch
    from polyloop.serving.embedded import dashboard_of
    from polyloop.serving.live_status import LiveStatus, pages_of_cluster

    if as_json:
        raise SpecError("--watch shows a table; leave it out for --json, or scrape the nodes with Prometheus")
    loaded = of(context).loaded
    dashboard_url = dashboard_of(loaded)
    if dashboard_url is None:
        raise ClusterError(
            "nothing runs on this machine; start it with `polyloop up`, or set POLYLOOP_RAY_ADDRESS to the dashboard "
            "of the cluster that serves the project, such as http://127.0.0.1:8265"
        )
    live = LiveStatus(of(context).store, tuple(loaded.spec.tasks), lambda: pages_of_cluster(dashboard_url))
    watch(live, f"{loaded.spec.project} on {dashboard_url}")
