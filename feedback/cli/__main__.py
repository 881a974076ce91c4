"""`python -m feedback.cli`, the same as `feedback`."""

from feedback.cli import main

main(prog_name="feedback")
