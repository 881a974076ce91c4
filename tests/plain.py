"""A browser without scripts: what a page says, which forms it has, and what pressing a button sends."""

from dataclasses import dataclass
from typing import Any

import html5lib

from tests.cast import CSRF


@dataclass
class Page:
    """What a browser without scripts shows, and the forms on it."""

    status: int
    html: str
    path: str

    @property
    def text(self) -> str:
        """The words of the main part, in one line."""
        return " ".join("".join(self._main().itertext()).split())

    @property
    def notices(self) -> str:
        found = [each for each in self._main().iter() if "notice" in (each.get("class") or "").split()]
        return " ".join(" ".join("".join(each.itertext()).split()) for each in found)

    def _main(self) -> Any:
        return self._tree().find(".//main")

    def _tree(self) -> Any:
        return html5lib.parse(self.html, treebuilder="etree", namespaceHTMLElements=False)

    def form(self, button: str) -> tuple[str, dict[str, list[str]]]:
        """Return where the form with this button leads, and what it sends when nothing is touched."""
        for form in self._tree().iter("form"):
            if any(button in "".join(each.itertext()) for each in form.iter("button")):
                return form.get("action") or self.path, _fields(form)
        raise AssertionError(f"there is no button “{button}” on {self.path}: {self.text}")


def _fields(form: Any) -> dict[str, list[str]]:
    sent: dict[str, list[str]] = {}
    for each in form.iter():
        name = each.get("name")
        if name and each.tag == "textarea":
            sent.setdefault(name, []).append((each.text or "").removeprefix("\n"))
        elif name and each.tag == "select":
            options = list(each.iter("option"))
            chosen = [option for option in options if option.get("selected") is not None] or options[:1]
            sent.setdefault(name, []).extend(option.get("value") for option in chosen)
        elif name and each.tag == "input" and _is_sent(each):
            sent.setdefault(name, []).append(each.get("value", ""))
    return sent


def _is_sent(box: Any) -> bool:
    return box.get("type") not in ("radio", "checkbox") or box.get("checked") is not None


class Browser:
    """Somebody in front of the pages, pressing the buttons that are there."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def opens(self, path: str) -> Page:
        return self._page(self.client.get(path, follow_redirects=True))

    def presses(self, page: Page, button: str, **changed: Any) -> Page:
        """Send the form with this button, some fields changed."""
        path, fields = page.form(button)
        unknown = set(changed) - set(fields)
        # A choice that is not made yet sends nothing, so that it cannot be seen in what would be sent.
        assert all(f'name="{name}"' in page.html for name in unknown), unknown
        return self._page(self.client.post(path, data=fields | changed, follow_redirects=True))

    def sends(self, path: str, **fields: Any) -> Page:
        """Send a form as no page of ours would."""
        token = CSRF.search(self.client.get("/account/password").text)
        assert token
        return self._page(self.client.post(path, data={"csrf_token": token[1], **fields}, follow_redirects=True))

    def _page(self, answer: Any) -> Page:
        return Page(answer.status_code, answer.text, answer.request.full_path.rstrip("?"))
