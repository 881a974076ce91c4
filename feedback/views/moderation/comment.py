"""One comment with its history."""

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from feedback import moderation
from feedback.views.moderation.room import REASONS, bp, deed, undoable


@bp.get("/comments/<comment_id>")
def comment(comment_id: str) -> ResponseReturnValue:
    item = moderation.one(comment_id, g.site_ids)
    entries = moderation.history(comment_id, g.site_ids)
    return render_template(
        "moderation/comment.html",
        item=item,
        entries=[(entry, deed(entry), undoable(entry, item.comment)) for entry in entries],
        reasons=REASONS,
        here=request.path,
    )
