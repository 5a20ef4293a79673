"""`buybox`: the command line. Each command lives in a file of its own."""

from __future__ import annotations

from typing import Any

import psycopg
import typer
from typer.core import TyperGroup

from worker.cli.alerts import alerts_app
from worker.cli.common import fail, sentence_about
from worker.cli.demo import demo
from worker.cli.doctor import doctor
from worker.cli.explain import explain
from worker.cli.failures import failures_app
from worker.cli.fees import fees_app
from worker.cli.ingest import ingest, migrate
from worker.cli.listen import listen
from worker.cli.products import products_app
from worker.cli.replay import replay
from worker.cli.routes import routes_app
from worker.cli.run import run as run_both
from worker.cli.status import status
from worker.cli.tokens import tokens_app


class _InSentences(TyperGroup):
    """Every command ends with a sentence on a database that is not there, or not set up for it."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except psycopg.Error as error:
            sentence = sentence_about(error)
            if sentence is None and not isinstance(error, psycopg.OperationalError):
                raise  # a defect of ours: its traceback is wanted
            fail(sentence or f"the database did not answer: {str(error).strip()}")


app = typer.Typer(
    name="buybox",
    cls=_InSentences,
    help="Amazon Buy Box watch: SQS notifications become competitive state in Postgres, live.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(ingest)
app.command(name="run")(run_both)
app.command()(replay)
app.command()(listen)
app.command()(status)
app.command()(doctor)
app.command()(explain)
app.command()(migrate)
app.command()(demo)
app.add_typer(alerts_app)
app.add_typer(failures_app)
app.add_typer(products_app)
app.add_typer(fees_app)
app.add_typer(routes_app)
app.add_typer(tokens_app)


def run() -> None:
    """The console script's entry."""
    app()


if __name__ == "__main__":
    run()
