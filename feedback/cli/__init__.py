"""The `feedback` command. Commands read their input, call one rule and print; what they need is imported when they run.

Whatever can go wrong is one line on standard error and a non-zero exit.
"""

from feedback.cli.articles import article
from feedback.cli.base import Commands
from feedback.cli.keeping import backup, comments, restore
from feedback.cli.people import token, user
from feedback.cli.running import database, demo, doctor, init, serve, worker
from feedback.cli.sites import site

main = Commands(
    "feedback",
    help="Ask readers whether an article helped them, and hear what they say.\n\nBegin with `feedback demo`, or set up "
    "for real with `feedback init` and `feedback serve`.",
)
for command in (demo, init, serve, worker, database, backup, restore, comments, site, article, user, token, doctor):
    main.add_command(command)
