"""The `feedback` command."""

import click


@click.group()
def main() -> None:
    """Reader feedback."""


@main.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=8000)
@click.option("--workers", type=int)
@click.option("--no-worker", is_flag=True)
def serve(host: str, port: int, workers: int | None, no_worker: bool) -> None:
    """Serve."""
    from feedback import create_app
    from feedback import serve as server

    app = create_app()
    server.run(
        app,
        host=host,
        port=port,
        processes=workers or app.config["SETTINGS"].workers,
        with_worker=not no_worker,
        announce=lambda: click.echo(f"Serving on http://{host}:{port}"),
    )


if __name__ == "__main__":
    main()
