"""`polyloop up`, `down` and `status`: the platform on this machine."""

from typing import Annotated

import typer

from polyloop.cli.context import AsJson, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_rows


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


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show whether the project is served on this machine, and each deployment.

    Example: `polyloop status --json`
    """

    from polyloop.serving.embedded import service_status

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
