"""`polyloop key`: API keys of the serving API."""

from typing import Annotated

import typer

from polyloop.cli.context import AsJson, of
from polyloop.cli.output import messages, print_json, print_rows
from polyloop.registry.keys import SCOPES, create_key, list_keys, revoke_key
from polyloop.spec.limits import KeyLimits

app = typer.Typer(help="API keys of the serving API.", no_args_is_help=True)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for, for people.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"A right of the key: {', '.join(SCOPES)}. May be repeated.")
    ] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Inputs a minute.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=1, help="Tokens a minute, read and written.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, help="Requests in flight at once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it; it is shown this once and cannot be read again.

    Limits hold in each router by itself. A key with any of them has none of `serving.key_limits`, which hold for keys
    without limits of their own.

    Example: `polyloop key create website --scope infer --scope feedback --requests-per-minute 600`
    """
    limits = KeyLimits(
        requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute, max_concurrent=max_concurrent
    )
    info, secret = create_key(
        of(context).store, name, scope or ["infer", "feedback"], limits=None if limits == KeyLimits() else limits
    )
    if as_json:
        print_json({"key_id": info.key_id, "name": info.name, "scopes": info.scopes, "key": secret})
        return
    typer.echo(secret)
    messages.print(f"key {info.key_id} ({', '.join(info.scopes)}) made; keep it now, it is not shown again")


def told(limits: KeyLimits | None) -> str | None:
    """Return limits as people read them; None for a key that has the usual ones."""
    if limits is None:
        return None
    found = limits.model_dump(exclude_none=True)
    return ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in found.items())


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List all keys, without their secrets.

    Example: `polyloop key list --json`
    """
    rows = [
        {
            "key_id": info.key_id,
            "name": info.name,
            "scopes": ", ".join(info.scopes),
            "limits": told(info.limits),
            "created_at": info.created_at.isoformat(timespec="seconds"),
            "revoked_at": info.revoked_at and info.revoked_at.isoformat(timespec="seconds"),
        }
        for info in list_keys(of(context).store)
    ]
    print_rows(rows, as_json=as_json, title="API keys")


@app.command()
def revoke(context: typer.Context, key_id: Annotated[str, typer.Argument(help="Id from `polyloop key list`.")]) -> None:
    """Make a key stop working (within seconds, on every replica).

    Example: `polyloop key revoke 1a2b3c4d`
    """
    info = revoke_key(of(context).store, key_id)
    messages.print(f"key {info.key_id} ({info.name}) is revoked")
