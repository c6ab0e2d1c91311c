"""The command line: parse, ask one diagnosis, hand the report to render. The only package that knows typer."""
