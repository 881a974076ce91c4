"""Atom feeds of what is published: of a site, and of one article, the same for everybody; and of what waits.

The latter is private: it takes the token in its address, and opens to nobody else.
"""

import hashlib
from collections.abc import Sequence
from urllib.parse import urldefrag

from feedgenerator import Atom1Feed
from flask import Blueprint, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, comments, forms, opaque, queue_feeds, triage
from feedback.errors import Missing
from feedback.models import Comment

bp = Blueprint("feeds", __name__, url_prefix="/feeds")

CACHEABLE = "public, max-age=60, stale-while-revalidate=60"


@bp.get("/<site>.atom")
def of_site(site: str) -> ResponseReturnValue:
    found = articles.site(site)
    return _feed(found, f"Comments on {found.name}", found.origins[0], comments.latest(found.id))


@bp.get("/<site>/article.atom")
def of_article(site: str) -> ResponseReturnValue:
    found = articles.site(site)
    asked = forms.read((forms.Field("article", forms.article_key, required=True),), request.args)
    article = articles.get(found.id, asked["article"])
    if article is None:
        raise Missing("There is no such article on this site.")
    name = article.title or article.key
    rows = comments.latest(found.id, article_id=article.id)
    return _feed(found, f"Comments on {name}", article.url or found.origins[0], rows)


@bp.get("/<site>/queue.atom")
def of_queue(site: str) -> ResponseReturnValue:
    found = articles.site(site)
    if not queue_feeds.opens(request.args.get("token", ""), found.id):
        raise Missing("There is no such feed, or it was closed.")
    address = str(current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/"))
    # Its own address stays out of it: whoever is shown an entry must not be able to read the others.
    own = f"{address}{url_for('feeds.of_queue', site=site)}"
    link = f"{address}/moderation/?site={found.slug}"
    feed = Atom1Feed(title=f"Waiting at {found.name}", link=link, description=None, feed_guid=own)
    for comment, article in queue_feeds.waiting(found.id):
        name = comment.name or "A reader"
        feed.add_item(
            title=f"{name} on {article.title or article.key}",
            link=f"{address}/moderation/comments/{opaque.identifier(comment.article_id, comment.id)}",
            description=triage.explain(comment.held_for, comment.html) or None,
            content=comment.html,
            author_name=name,
            pubdate=comment.created,
            updateddate=comment.edited or comment.created,
            unique_id=f"urn:uuid:{comment.id}",
        )
    answer = Response(feed.writeString("utf-8"), mimetype="application/atom+xml")
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _feed(site: articles.SiteView, title: str, link: str, rows: Sequence[comments.Latest]) -> Response:
    own = (current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/")) + request.full_path.rstrip("?")
    feed = Atom1Feed(title=title, link=link, description=None, language=site.policy.lang, feed_url=own, feed_guid=own)
    for row in rows:
        comment = row.comment
        name = comment.name or "A reader"
        feed.add_item(
            title=f"{name} on {row.title}",
            link=_permalink(row.url or site.origins[0], comment),
            description=None,
            content=comment.html,
            author_name=name,
            pubdate=comment.created,
            updateddate=comment.edited or comment.created,
            unique_id=f"urn:uuid:{comment.id}",
        )
    data = feed.writeString("utf-8")
    answer = Response(data, mimetype="application/atom+xml")
    answer.set_etag(hashlib.sha256(data.encode()).hexdigest()[:32], weak=True)
    answer.headers["Cache-Control"] = CACHEABLE
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.vary.add("Accept-Encoding")
    answer.make_conditional(request)
    return answer


def _permalink(page: str, comment: Comment) -> str:
    """Return the address at which the element shows a comment."""
    return f"{urldefrag(page).url}#comment-{opaque.identifier(comment.article_id, comment.id)}"
