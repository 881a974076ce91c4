"""The sentences that readers see, in the site's language: looking one up, saying it otherwise, and ours again."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from feedback import aspects, changes, forms, languages
from feedback.changes import Kind
from feedback.db import transact
from feedback.errors import Conflict, Missing
from feedback.languages import Language, Sentence, own
from feedback.views.admin import room
from feedback.views.admin.fields import Form, Line
from feedback.views.admin.room import bp

ASKED = (forms.Field("q", forms.line(200)),)

WHERE = {
    "widget": "In the article page",
    "more": "In the article page, once a reader does something",
    "pages": "On the page without JavaScript",
    "mail": "In mail to readers",
    "says": "When something is not taken",
}


@dataclass(frozen=True)
class Row:
    """One sentence: its name, what we say, what the site says instead, if anything."""

    name: str
    original: Sentence
    changed: Sentence | None

    @property
    def words(self) -> str:
        """What readers see, all forms of it."""
        said = self.changed or self.original
        return said if isinstance(said, str) else " · ".join(dict.fromkeys(said.values()))

    def has(self, words: str) -> bool:
        """Whether somebody who looks for these words means this sentence."""
        return words.casefold() in f"{self.name}\n{self.words}\n{self.original}".casefold()


def _language() -> Language | None:
    return languages.pick(room.site().policy.lang)


def _rows(language: Language) -> list[Row]:
    said = room.site().policy.texts.get(language.code, languages.NOTHING)
    return [Row(name, language.sentences[name], said.get(name)) for name in own.NAMES]


@bp.get("/sites/<slug>/texts")
def texts() -> ResponseReturnValue:
    words, language = forms.read(ASKED, request.args)["q"] or "", _language()
    found = [row for row in _rows(language) if row.has(words)] if language else []
    groups = {where: [row for row in found if row.name.startswith(f"{group}.")] for group, where in WHERE.items()} | {
        "Changed": [row for row in found if row.changed]
    }
    shown = {where: groups[where] for where in ("Changed", *WHERE.values()) if groups[where]}
    return render_template(
        "admin/texts.html", groups=shown, words=words, language=language, total=len(found), codes=languages.CODES
    )


@bp.route("/sites/<slug>/text/<name>", methods=["GET", "POST"])
def text(name: str) -> ResponseReturnValue:
    language = _language()
    row = next((row for row in _rows(language) if row.name == name), None) if language else None
    if language is None or row is None:
        raise Missing("There is no such sentence.")
    form = _form(row, language)(**_typed(row), version=changes.version(room.subject(Kind.SITE)))
    if request.method == "GET":
        return _text(row, language, form)
    back = "original" in request.form
    if not back and not form.validate():
        return _text(row, language, form), 422
    try:
        state = _state(row, language, None if back else _said(row, form))
        change = transact(changes.make, room.subject(Kind.SITE), state, room.by(), seen=form.version.data)
    except Conflict as conflict:
        form.version.data = changes.version(room.subject(Kind.SITE))
        return _text(row, language, form, overtaken=True, last=conflict.extra["last"]), 409
    room.tell(change)
    return redirect(room.here("texts", _anchor=row.name), 303)


def _text(row: Row, language: Language, form: Form, **more: Any) -> str:
    fields = [field for field in form if isinstance(field, Line)]
    needed = sorted(languages.placeholders(row.original))
    return render_template(
        "admin/text.html", row=row, language=language, form=form, fields=fields, needed=needed, **more
    )


def _forms_of(sentence: Sentence) -> dict[str, str]:
    return {"other": sentence} if isinstance(sentence, str) else dict(sentence)


def _form(row: Row, language: Language) -> type[Form]:
    """Return the form of a sentence: a field, or one for each of the language's plural forms."""
    fields = {
        f"say_{category}": Line(_label(row, language, category), partial(own.form, original=words))
        for category, words in _forms_of(row.original).items()
    }
    return type("SentenceForm", (Form,), {"version": HiddenField(), **fields})


def _label(row: Row, language: Language, category: str) -> str:
    if isinstance(row.original, str):
        return "What readers see"
    numbers = ", ".join(map(str, own.numbers(language, category)))
    return f"With numbers such as {numbers}" if numbers else "With fractions"


def _typed(row: Row) -> dict[str, Any]:
    """Return what the fields show: the site's sentence or ours, where it has one form alone in each of them."""
    said = row.changed or row.original
    return {
        f"say_{category}": said if isinstance(said, str) else said[category] for category in _forms_of(row.original)
    }


def _said(row: Row, form: Form) -> Sentence | None:
    """Return what was typed; None where that is what we say."""
    said = {category: form[f"say_{category}"].value for category in _forms_of(row.original)}
    found = said["other"] if isinstance(row.original, str) else said
    return None if found == row.original else found


def _state(row: Row, language: Language, said: Sentence | None) -> dict[str, Any]:
    """Return the site's state with a sentence said so, or as we say it."""
    state = aspects.site_state(room.site())
    known = {code: dict(given) for code, given in room.site().policy.texts.items()}
    here = {name: given for name, given in known.get(language.code, {}).items() if name != row.name}
    texts = known | {language.code: here | ({row.name: said} if said else {})}
    kept = {code: given for code, given in texts.items() if given}
    settings = {name: value for name, value in state["settings"].items() if name != "texts"}
    return state | {"settings": settings | ({"texts": kept} if kept else {})}
