"""`python -m oneid.cli`: the `oneid` command where no script is installed."""

from oneid.cli import app

app()
