"""Fields that keep what was typed and, beside it, hold what it means; what is wrong is said in sentences."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import request
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from feedback import articles, forms
from feedback.models import Role
from feedback.origins import parse_origin

T = TypeVar("T")

MAX_ORIGINS = 50  # every reader's page is sent the list
PLEASE_CHOOSE = "Choose one of these."


class Form(FlaskForm):  # type: ignore[misc, unused-ignore]
    """A form that reads what was posted, where it was the one that was sent, and else holds what it is given."""

    def __init__(self, *, sent: bool = True, **values: Any) -> None:
        super().__init__(formdata=request.form if sent and request.method == "POST" else None, data=values)

    def refuse(self, errors: dict[str, list[str]]) -> None:
        """Put a rule's sentences beside the fields they are about, and those of no field beside the first."""
        for name, sentences in errors.items():
            field = self[name] if name in self else next(iter(self))
            field.errors = [*field.errors, *sentences]


class _Read:
    """Reads what was typed into `value`, by a function that raises ValueError with a sentence."""

    data: Any
    value: Any = None

    def __init__(self, label: str, read: Callable[[str], Any], needed: str = "", **more: Any) -> None:
        super().__init__(label, **more)  # type: ignore[call-arg]
        self.read, self.needed = read, needed

    def pre_validate(self, form: Any) -> None:
        try:
            self.value = self.read(self.data or "")
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if self.needed and not self.value:
            raise ValidationError(self.needed)


class Line(_Read, StringField):  # type: ignore[misc, unused-ignore]
    """One line."""


class Lines(_Read, TextAreaField):  # type: ignore[misc, unused-ignore]
    """Several lines."""


class Number(_Read, StringField):  # type: ignore[misc, unused-ignore]
    """A whole number, typed as people type it."""

    def process_data(self, value: int | None) -> None:
        # What a form leaves out keeps its value, which is then read as if it were typed.
        super().process_data(None if value is None else str(value))


Named = Mapping[str, tuple[str, str]]  # value: its name, and what it means


class Choice(RadioField):  # type: ignore[misc, unused-ignore]
    """One of a few, each with what it means."""

    def __init__(self, label: str, choices: Named, **more: Any) -> None:
        super().__init__(label, choices=_options(choices), validate_choice=False, **more)
        self.meanings = choices

    def pre_validate(self, form: Any) -> None:
        if self.data not in self.meanings:
            raise ValidationError(PLEASE_CHOOSE)


class Boxes(SelectMultipleField):  # type: ignore[misc, unused-ignore]
    """Any number of a few, each with what it means."""

    def __init__(self, label: str, choices: Named, **more: Any) -> None:
        super().__init__(label, choices=_options(choices), validate_choice=False, **more)
        self.meanings = choices

    def pre_validate(self, form: Any) -> None:
        if not set(self.data or ()) <= set(self.meanings):
            raise ValidationError("Choose among these.")


def _options(choices: Named) -> list[SelectChoice]:
    return [SelectChoice(value=value, label=name) for value, (name, _) in choices.items()]


class Pick(SelectField):  # type: ignore[misc, unused-ignore]
    """One of a list that unfolds."""

    def __init__(self, label: str, choices: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(label, choices=[], validate_choice=False, **more)
        self.offer(choices or {})

    def offer(self, choices: dict[str, str]) -> None:
        self.choices = [SelectChoice(value=value, label=text) for value, text in choices.items()]
        self.values = set(choices)

    def pre_validate(self, form: Any) -> None:
        if self.data not in self.values:
            raise ValidationError(PLEASE_CHOOSE)


# What a line or several of them may be


def each_line(read: Callable[[str], T], *, most: int) -> Callable[[str], list[T]]:
    """Read every line that is not blank; what is wrong with one is said with its number."""

    def check(value: str) -> list[T]:
        found = []
        for number, line in enumerate(value.splitlines(), 1):
            try:
                found += [read(line.strip())] if line.strip() else []
            except ValueError as error:
                raise ValueError(f"Line {number}: {error}") from error
        if len(found) > most:
            raise ValueError(f"At most {most} lines, please.")
        return found

    return check


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number as people type it, also with a separator of thousands."""
    whole = forms.whole(least, most)
    return lambda value: whole("".join(value.replace(",", "").split()))


def byline(role: Role) -> Callable[[str], articles.Byline]:
    """A person, as `Ann Hollis` or `Ann Hollis, ann@example.org`."""

    def read(line: str) -> articles.Byline:
        name, comma, last = line.rpartition(",")
        with_address = bool(comma) and "@" in last
        person = forms.name(name if with_address else line)
        if not person:
            raise ValueError("A name is missing.")
        return articles.Byline(person, role, forms.email(last.strip()) or None if with_address else None)

    return read


origin_lines = each_line(parse_origin, most=MAX_ORIGINS)
