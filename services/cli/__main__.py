"""``python -m services.cli``: every command, with help."""

import typer

from services.cli import backup, demo, ledger, outbox, processes, run, schema, self_test, tenants

app = typer.Typer(
    help="Regulars 回头客: customer loyalty for many merchants.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(run.run)
app.command()(demo.demo)
app.command()(processes.gateway)
app.command()(processes.worker)
app.command()(processes.scheduler)
app.command()(schema.schema)
app.command(name="self-test")(self_test.self_test)
app.command()(tenants.migrate)
tenants.app.command()(backup.backup)
tenants.app.command()(backup.restore)
app.add_typer(tenants.app, name="tenants")
app.add_typer(ledger.app, name="ledger")
app.add_typer(outbox.app, name="outbox")

if __name__ == "__main__":
    app()
