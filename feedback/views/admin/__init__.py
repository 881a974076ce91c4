"""The service's settings in the browser, for the administrators of each site. Plain forms do it all."""

from feedback.views.admin import articles, hooks, log, mail, pages, people, sites, texts, tokens
from feedback.views.admin.room import bp

__all__ = ["articles", "bp", "hooks", "log", "mail", "pages", "people", "sites", "texts", "tokens"]
