"""`chatsystem history`: the accepted declarations and what became of each."""

from __future__ import annotations

import json

import click

from controller.cli.options import Place, output_option, place_options


@click.command()
@click.argument("name")
@output_option("table", "json")
@place_options
def history(name: str, output: str, place: Place) -> None:
    """Show the revisions of NAME, newest first; `rollback --to` takes their numbers."""
    from controller.cli.clock import local_time
    from controller.cli.systems import find, run

    async def work() -> None:
        session = await place.open()
        await find(session, name)
        revisions = list(reversed(await session.store.revisions(name)))
        if output == "json":
            items = [
                {
                    "number": item.number,
                    "generation": item.generation,
                    "time": item.time,
                    "author": item.author,
                    "verdict": str(item.verdict),
                    "seconds": round(item.seconds, 3),
                    "summary": item.summary,
                    "message": item.message,
                    "document": dict(item.document),
                }
                for item in revisions
            ]
            click.echo(json.dumps({"revisions": items}, indent=2, ensure_ascii=False))
            return
        from rich.markup import escape

        from controller.cli.tables import plain_table, show

        table = plain_table("REVISION", "TIME", "AUTHOR", "VERDICT", "SECONDS", "WHAT CHANGED")
        for item in revisions:
            words = f"{item.summary}. {item.message}" if item.message else item.summary
            table.add_row(
                str(item.number),
                local_time(item.time),
                escape(item.author),
                str(item.verdict),
                f"{item.seconds:.1f}",
                escape(words),
            )
        show(table)

    run(work())
