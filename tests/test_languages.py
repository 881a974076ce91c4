"""Twelve languages: nothing is missing in any, nothing is said past the tables, and who asks is answered in theirs."""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from xml.dom.minidom import Element

import pytest
from flask import Flask

from feedback import articles, languages, limits
from feedback.errors import Invalid
from feedback.languages import ENGLISH, Language, own, placeholders
from feedback.policy import Policy, read_policy
from tests.cast import KEY, ORIGIN, SLUG, Reader
from tests.test_pages import Browser, sqlite_only

PACKAGE = Path(languages.__file__).parents[1]
OTHERS = [language for language in languages.ALL.values() if language is not ENGLISH]
# Words that are spelled alike.
SAME = {
    "de": {"widget.administrator"},
    "es": {"widget.no"},
    "it": {"widget.no"},
    "nl": {"more.dataLikes"},
}
LETTER = re.compile(r"[^\W\d_]")

each_language = pytest.mark.parametrize("language", OTHERS, ids=lambda language: language.code)


def forms(sentence: languages.Sentence) -> Mapping[str, str]:
    return {"other": sentence} if isinstance(sentence, str) else sentence


# The tables


@each_language
def test_no_sentence_is_missing_and_none_is_too_many(language: Language) -> None:
    assert list(language.sentences) == list(ENGLISH.sentences)


@each_language
def test_every_sentence_has_the_same_values_and_forms_for_every_number(language: Language) -> None:
    categories = set(language.locale.plural_form.tags) | {"other"}
    for name, english in ENGLISH.sentences.items():
        said = language.sentences[name]
        assert isinstance(said, str) is isinstance(english, str), name
        assert placeholders(said) == placeholders(english), name
        if not isinstance(said, str):
            assert set(said) == categories, name
            # A number that stands for many numbers has to be seen.
            assert placeholders(said["other"]) == placeholders(english), name


@each_language
def test_nothing_is_left_in_english(language: Language) -> None:
    told = {name for name, said in language.sentences.items() if said == ENGLISH.sentences[name]}
    assert told == SAME.get(language.code, set())


@each_language
def test_a_language_is_written_in_its_script_and_direction(language: Language) -> None:
    assert language.dir == ("rtl" if language.code == "ar" else "ltr")
    assert language.dir == language.locale.text_direction
    assert language.name.casefold() == (language.locale.get_language_name() or "").casefold()
    script = {"ar": r"[\u0600-\u06ff]", "zh": r"[\u4e00-\u9fff]", "ja": r"[\u3040-\u30ff\u4e00-\u9fff]"}
    pattern = re.compile(script.get(language.code, r"[A-Za-z]"))
    assert all(pattern.search(form) for said in language.sentences.values() for form in forms(said).values())


def test_no_sentence_has_a_space_too_many_or_a_line_break() -> None:
    for language in languages.ALL.values():
        for name, sentence in language.sentences.items():
            for form in forms(sentence).values():
                assert form == " ".join(form.split(" ")).strip() and "  " not in form, (language.code, name)
                assert "\n" not in form, (language.code, name)


# What the scripts say is the table's English

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|\b(?P<name>\w+)(?=\s*:)|,(?=\s*[}\]])|[{}]')


def table(script: str) -> Any:
    """Return what TEXT holds in a script: an object literal of names and double-quoted strings."""
    source = (PACKAGE / "static" / script).read_text("utf-8")
    rest, found, depth = source[source.index("const TEXT = {") + len("const TEXT = ") :], "", 0
    place = 0
    for token in TOKEN.finditer(rest):
        found += rest[place : token.start()]
        place = token.end()
        told = token[0]
        found += json.dumps(token["name"]) if token["name"] else "" if told[0] in ",/" else told
        depth += (told == "{") - (told == "}")
        if not depth:
            break
    return json.loads(found)


@pytest.mark.parametrize(("group", "script"), [("widget", "widget.js"), ("more", "widget-more.js")])
def test_the_scripts_say_the_english_of_the_tables(group: str, script: str) -> None:
    assert table(script) == ENGLISH.groups[group]


@each_language
@sqlite_only
def test_the_element_imports_its_words_as_a_module(client: Any, language: Language) -> None:
    answer = client.get(f"/widget-{language.code}.js")
    assert answer.status_code == 200 and answer.content_type == "text/javascript; charset=utf-8"
    words = json.loads(answer.text.removeprefix("export default ").removesuffix(";"))
    assert words == {"dir": language.dir, "widget": language.groups["widget"], "more": language.groups["more"]}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == client.get("/widget.js").headers["Cache-Control"]
    tag = answer.headers["ETag"]
    assert client.get(f"/widget-{language.code}.js", headers={"If-None-Match": tag}).status_code == 304
    small = client.get(f"/widget-{language.code}.js", headers={"Accept-Encoding": "br"})
    assert small.headers["Content-Encoding"] == "br" and len(small.data) < 4 * 1024


@sqlite_only
def test_english_and_languages_that_are_none_of_ours_are_no_modules(client: Any) -> None:
    assert {client.get(f"/widget-{code}.js").status_code for code in ("en", "ko", "xx")} == {404}


# Choosing and saying


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        (["de-AT"], "de"),
        (["zh-TW"], "zh"),
        (["pt_BR"], "pt"),
        (["DE"], "de"),
        (["ko", "fr-CA"], "fr"),
        ([None, ""], None),
    ],
)
def test_a_language_is_picked_by_its_base(tags: list[str | None], code: str | None) -> None:
    found = languages.pick(*tags)
    assert (found and found.code) == code


def test_numbers_days_and_names_are_written_as_the_language_does() -> None:
    said = {
        code: language.retell("This is too long: at most 5,000 characters, not 12,345.")
        for code, language in languages.ALL.items()
    }
    assert "5,000" in said["en"] and "5.000" in said["de"] and "12.345" in said["de"]
    assert languages.ALL["pt"].day(date(2026, 5, 3)) == "3 de maio de 2026"
    assert ENGLISH.day(date(2026, 5, 3)) == "3 May 2026"
    assert languages.ALL["fr"].names(["Ann", "Rex"]) == "Ann et Rex"


def test_a_number_chooses_the_form() -> None:
    polish = languages.ALL["pl"]
    liked = {"one": "{n} raz", "few": "{n} razy", "many": "{n} razy wiele", "other": "{n} raza"}
    assert [polish.say("widget.yes", {"widget.yes": liked}, n=n) for n in (1, 3, 5)] == [
        "1 raz",
        "3 razy",
        "5 razy wiele",
    ]


# Refusals


READERS = (
    "forms/shape", "forms/readers", "votes", "opaque", "text", "characters", "articles", "writers", "db", "rights",
    "comments/*", "views/intake", "views/pages", "views/formtoken", "views/problems", "views/widget", "views/replies",
)  # fmt: skip
# Said where no reader is: by what staff send, imports, settings of sites; and in the contract's own descriptions.
FOR_OTHERS = re.compile(
    r"importing it|settings?\b|of a site|written like|Ask for 1|origin that its pages|called “5”\.|no article “5”"
    r"|list of 1 to 20|Each reason|A reason's code|one of 5\.|A slug|in each role|from 5 to 5|have at most 5"
    r"|JSON|application/|without control characters|random token\.|or nothing\.|An http|Milliseconds, a|A UTC day"
)


def spoken() -> Iterator[tuple[str, str]]:
    """Yield (module, sentence) of all that looks like a sentence in the code which refuses readers, 5 for values."""
    for path in sorted({path for pattern in READERS for path in PACKAGE.glob(f"{pattern}.py")}):
        tree = ast.parse(path.read_text("utf-8"))
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                said = "".join(str(part.value) if isinstance(part, ast.Constant) else "5" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | notes:
                said = node.value
            else:
                continue
            if said[:1].isupper() and " " in said and said.endswith((".", "?", "!")):
                yield path.stem, said


def test_every_refusal_that_a_reader_can_meet_is_in_the_tables() -> None:
    german = languages.ALL["de"]
    said = list(spoken())
    assert len(said) > 50
    missing = [(module, told) for module, told in said if german.retell(told) == told and not FOR_OTHERS.search(told)]
    assert missing == []


def test_every_limit_of_readers_is_told_in_their_language() -> None:
    staff = {"sign-in", "sign-in network", "sign-in account", "second factor", "reset"}
    told = {limit.sentence for kind, limit in limits.LIMITS.items() if kind not in staff}
    assert all(languages.ALL["ja"].retell(sentence) != sentence for sentence in told)


def test_no_sentence_in_the_tables_is_one_that_nobody_says() -> None:
    said = {told for _, told in spoken()} | {limit.sentence for limit in limits.LIMITS.values()}
    known = {found[0] for told in said if (found := languages._recognise(told))}
    assert {name for name in ENGLISH.sentences if name.startswith("says.")} <= known


def reader_routes(app: Flask) -> list[str]:
    rules = [
        rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("widget.") and "POST" in rule.methods
    ]
    return [rule.rule.removeprefix("/api/v1/<site>").replace("<comment_id>", "none") for rule in rules]


@each_language
@sqlite_only
def test_every_call_of_a_reader_is_refused_in_their_language(app: Flask, rae: Reader, language: Language) -> None:
    missing = language.sentences["says.missing"]
    for path in reader_routes(app):
        answer = rae.posts(path, reader=None, lang=language.code)
        assert answer.status_code == 422 and answer.json["detail"] == missing, path
        assert {sentence for told in answer.json["errors"].values() for sentence in told} == {missing}
        assert rae.posts(path, reader=None, website="").json["detail"] == "This is missing."
        assert rae.posts(path, reader=None, lang="ko").json["detail"] == "This is missing."


@sqlite_only
def test_rules_refuse_in_the_readers_language(rae: Reader, stan: Reader, article: Any, do: Callable[..., Any]) -> None:
    do(articles.change_site, SLUG, moderation="post")
    comment = rae.comments(article, "Hello").json["comment"]["id"]
    answer = stan.posts(f"/comments/{comment}/withdraw", lang="de-CH")
    assert (answer.status_code, answer.json["detail"]) == (403, "Dieser Kommentar ist nicht von Ihnen.")
    long = rae.comments(article, "a" * 6_000, lang="fr").json["errors"]["body"]
    assert long == ["C’est trop long : 5\u202f000 caractères au maximum, et non 6\u202f000."]
    assert rae.votes(article, "maybe", lang="es").json["errors"]["value"] == ["Aquí se puede indicar yes, no o none."]


@sqlite_only
def test_a_call_that_is_not_even_read_is_refused_in_the_readers_language(rae: Reader) -> None:
    def told(**fields: Any) -> str:
        answer = rae.http.post("/api/v1/nowhere/vote", headers={"Origin": ORIGIN}, **fields)
        assert answer.status_code == 404
        return str(answer.json["detail"])

    assert told(data={"lang": "de"}) == "Hier gibt es keine Website namens „nowhere“."
    assert told(json={"lang": "de"}) == "Hier gibt es keine Website namens „nowhere“."
    for unreadable in ({"data": b"\xff=\xff"}, {"json": []}, {"data": {"lang": "de" * 40_000}}):
        assert told(**unreadable) == "There is no site called “nowhere” here."


@sqlite_only
def test_a_language_that_is_no_text_is_an_error_like_any_other(rae: Reader, article: Any) -> None:
    body = {"article": KEY, "reader": rae.token, "value": "yes", "lang": 5}
    answer = rae.http.post(f"/api/v1/{SLUG}/vote", json=body, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json["errors"]) == (422, {"lang": ["This should be a text."]})


# Pages without JavaScript


@pytest.fixture
def plain(connect: Callable[[], Any]) -> Browser:
    return Browser(connect())


def html(browser: Browser) -> Any:
    return browser.page.documentElement


@each_language
@sqlite_only
def test_a_page_speaks_the_language_of_its_address(plain: Browser, article: Any, language: Language) -> None:
    plain.opens(article, lang=language.code)
    root = html(plain)
    assert (root.getAttribute("lang"), root.getAttribute("dir")) == (language.code, language.dir)
    assert plain.sees(language.say("widget.write")) and plain.sees(language.say("pages.cookie"))


@sqlite_only
def test_a_page_speaks_the_sites_language_else_the_browsers(
    plain: Browser, article: Any, do: Callable[..., Any]
) -> None:
    french = {"headers": {"Accept-Language": "ko, fr-CA;q=0.8, de;q=0.5"}}
    address = f"/f/{SLUG}?article={KEY}"
    assert html(plain.goes(address, **french)).getAttribute("lang") == "en"
    do(articles.change_site, SLUG, lang="de-AT")
    assert html(plain.goes(address, **french)).getAttribute("lang") == "de"
    do(articles.change_site, SLUG, lang="ko")
    assert html(plain.goes(address, **french)).getAttribute("lang") == "fr"
    assert html(plain.goes(address)).getAttribute("lang") == "en"
    assert html(plain.goes("/f/nowhere?article=x", **french)).getAttribute("lang") == "fr"


@sqlite_only
def test_links_and_forms_keep_the_language(plain: Browser, rae: Reader, article: Any, do: Callable[..., Any]) -> None:
    do(articles.change_site, SLUG, moderation="post")
    rae.comments(article, "Hello")
    plain.opens(article, lang="tr")
    inside = [link for link in plain.all("a") if link.getAttribute("href").startswith("/f/")]
    assert inside and all("lang=tr" in link.getAttribute("href") for link in inside)
    assert plain.all("form") and all("lang=tr" in form.getAttribute("action") for form in plain.all("form"))
    plain.sends("comment", body="Merhaba")
    assert "lang=tr" in plain.url and plain.sees("Yorumunuz denetim bekliyor")
    plain.sends("comment", body="")
    assert plain.status == 422 and plain.beside("body") == "Bu alan eksik."


def bracketed(group: Mapping[str, Any]) -> dict[str, Any]:
    """Put every sentence into brackets, so that what stands on a page without them comes from no table."""
    return {name: f"⟦{said}⟧" if isinstance(said, str) else bracketed(said) for name, said in group.items()}


@pytest.fixture
def pseudo(monkeypatch: pytest.MonkeyPatch) -> Language:
    """A language in place of German, whose sentences are the English ones in brackets."""
    language = Language("de", "Pseudo", "ltr", bracketed(ENGLISH.groups))
    monkeypatch.setitem(languages.ALL, "de", language)
    return language


WRITTEN = ("aria-label", "title", "placeholder", "alt")  # attributes that people read or hear


def shown(node: Any) -> Iterator[str]:
    """Yield every text that people read on a page or hear of it."""
    if node.nodeType == node.TEXT_NODE:
        yield node.data
    elif node.nodeType == node.ELEMENT_NODE and node.tagName not in ("script", "style"):
        yield from (node.getAttribute(name) for name in WRITTEN)
        for child in node.childNodes:
            yield from shown(child)


def unbracketed(page: Element) -> list[str]:
    page.normalize()  # the parser divides texts at their signs
    found = []
    for words in shown(page):
        while "⟦" in words:
            words, before = re.sub(r"⟦[^⟦⟧]*⟧", "", words), words
            assert words != before, f"brackets that do not close: {before}"
        words = words.replace("4. Mai 2026", "").replace("4 May 2026", "")
        found += [words.strip()] if LETTER.search(words) else []
    return found


@pytest.fixture
def numbers(do: Callable[..., Any], clock: Any) -> Any:
    """A site and an article whose own words are numbers, so that every letter on a page is ours."""
    words = {"question": "1?", "guidelines": "2", "notice": "3", "reasons": [{"code": "unclear", "label": "4"}]}
    site = do(articles.add_site, "55", origins=[ORIGIN], name="66", now=clock(), moderation="post", lang="de", **words)
    people = tuple(
        articles.Byline(name, role) for name, role in (("77", articles.Role.AUTHOR), ("78", articles.Role.REVIEWER))
    )
    given = articles.Registration("88", "99", f"{ORIGIN}/88", people)
    do(articles.register, site.id, given, now=clock())
    return site


@sqlite_only
def test_every_sentence_of_the_pages_comes_from_the_tables(
    connect: Callable[[], Any], numbers: Any, pseudo: Language, do: Callable[..., Any], clock: Any
) -> None:
    readers = [Reader(connect(), numbers, f"{letter * 22}", f"192.0.2.{place}") for place, letter in enumerate("ab")]
    plain = Browser(connect(), slug="55")
    seen: set[str] = set()

    def check(browser: Browser = plain) -> None:
        assert unbracketed(html(browser)) == [], browser.url
        seen.update(re.findall(r"⟦([^⟦⟧]*)⟧", browser.answer.text))

    def opens(**query: str) -> None:
        plain.opens("88", **query)
        check()

    def sends(form: str, **fields: str) -> None:
        clock.forward(minutes=1)  # as people take their time
        plain.sends(form, **fields)
        check()

    opens()
    opens(frame="1")
    opens(around="none")
    for value in ("yes", "no", "none"):
        sends("vote", value=value)
        opens()
    sends("vote", value="yes")
    sends("note", note="5")
    opens()
    sends("vote", value="no")
    sends("note", reason="unclear", section="6", note="7")
    sends("note", reason="nothing", section="8" * 300)
    sends("comment", body="")
    sends("comment", body="1" * 6_000, name="2" * 100)
    sends("comment", body="1", name="")
    thread = readers[0].comments("88", "2", name="3").json["comment"]["id"]
    for number in range(5):
        readers[1].comments("88", f"{number}", parent=thread)
    opens()
    opens(reply=thread)
    opens(flag=thread)
    sends("flag", reason="")
    sends("flag", reason="spam", note="4" * 1_001)
    sends("flag", reason="spam", note="5")
    opens(parent=thread)
    opens()
    sends("like", value="yes")
    plain.follows(f"⟦{ENGLISH.sentences['more.edit']}⟧")
    check()
    sends("edit", body="")
    sends("edit", body="11")
    opens()
    sends("withdraw")
    do(articles.change_site, "55", moderation="pre")
    sends("comment", body="9")
    opens()
    readers[0].posts(f"/comments/{thread}/withdraw")
    opens()
    do(articles.change_site, "55", moderation="closed")
    opens()
    plain.keeps_cookies = False
    opens()
    for value in ("yes", "no"):
        sends("vote", value=value)
    plain.origin = "http://elsewhere.test"
    sends("vote", value="yes")
    plain.goes("/f/55")
    check()
    plain.goes("/f/none?article=1&lang=de")
    check()
    plain.goes("/f/55/none?article=1&lang=de")
    check()
    faults = {f"pages.error.{name}" for name in ("tooMuch", "fault", "silent", "later")}
    rare = faults | {"pages.title", "pages.yourFeedback", "pages.waits"}
    pages = {name for name in ENGLISH.sentences if name.startswith("pages.") and not name.startswith("pages.mail.")}
    plainly = {name for name in pages if "{" not in str(ENGLISH.sentences[name])}
    assert {name for name in plainly if ENGLISH.sentences[name] not in seen} <= rare


# What a site says in its own words


def settled(do: Callable[..., Any], ask: Callable[..., Any], **settings: Any) -> Policy:
    do(articles.change_site, SLUG, **settings)
    policy: Policy = ask(articles.site, SLUG).policy
    return policy


@sqlite_only
def test_the_usual_words_are_in_the_sites_language(
    do: Callable[..., Any], ask: Callable[..., Any], rae: Reader, article: Any
) -> None:
    policy = settled(do, ask, lang="de")
    assert policy.question == "Hat Ihnen dieser Artikel geholfen?"
    settings = rae.reads(article).json["settings"]
    assert settings["reasons"][0] == {"code": "unclear", "label": "Schwer zu verstehen"}
    assert settings["notice"] == languages.ALL["de"].groups["usual"]["notice"]
    assert settled(do, ask, lang="ko").question == Policy().question
    assert settled(do, ask, lang="de", question="War das gut?").question == "War das gut?"


@pytest.mark.parametrize(
    "texts",
    [
        {"de": {"widget.write": "Fragen Sie uns"}},
        {"de": {"says.gone": "Weg."}, "fr": {"widget.replyTo": "À {name}"}},
        {"de": {}},
        {},
    ],
)
def test_a_site_may_say_any_sentence_its_way(texts: Any) -> None:
    assert own.read(texts) == {code: given for code, given in texts.items() if given}


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ([], "object of languages"),
        ({"de": "Nein"}, "object of languages"),
        ({"ko": {}}, "“ko” is none of the languages"),
        ({"de": {"widget.nothing": "Nein"}}, "There is no sentence called “widget.nothing”."),
        ({"de": {"usual.question": "Nein?"}}, "There is no sentence called “usual.question”."),
        ({"de": {"widget.write": " "}}, "widget.write: Readers would see nothing here."),
        ({"de": {"widget.write": 5}}, "widget.write: This should be one text."),
        ({"de": {"widget.write": {"one": "a", "other": "b"}}}, "widget.write: This should be one text."),
        ({"de": {"widget.write": "a" * 501}}, "at most 500 characters"),
        ({"de": {"widget.replyTo": "Antworten"}}, "{name} has to stand in it"),
        ({"de": {"widget.write": "Hallo {name}"}}, "{name} cannot stand in it"),
        ({"de": {"widget.write": "a\0"}}, "broken character"),
    ],
)
def test_what_a_site_says_keeps_what_readers_need(texts: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        own.read(texts)
    with pytest.raises(Invalid) as refused:
        read_policy({"texts": texts})
    assert "texts" in refused.value.errors


@sqlite_only
def test_own_sentences_are_in_the_summary_on_the_page_and_in_refusals(
    do: Callable[..., Any], rae: Reader, article: Any, plain: Browser
) -> None:
    german = {"widget.write": "Fragen Sie uns", "more.share": "Weitersagen", "says.missing": "Da fehlt etwas."}
    do(articles.change_site, SLUG, lang="de-AT", texts={"de": german, "fr": {"widget.write": "À vous"}})
    shown = {"widget.write": "Fragen Sie uns", "more.share": "Weitersagen"}
    assert rae.reads(article).json["settings"]["texts"] == shown
    assert plain.opens(article).sees("Fragen Sie uns")
    assert plain.opens(article, lang="fr").sees("À vous")
    assert not plain.opens(article, lang="en").sees("Fragen Sie uns")
    assert rae.posts("/vote", lang="de").json["detail"] == "Da fehlt etwas."
    do(articles.change_site, SLUG, texts=None)
    assert "texts" not in rae.reads(article).json["settings"]


@sqlite_only
def test_an_own_sentence_is_plain_text_on_the_page(plain: Browser, article: Any, do: Callable[..., Any]) -> None:
    do(articles.change_site, SLUG, texts={"en": {"widget.write": "<b onclick=alert(1)>{}</b>"}})
    assert plain.opens(article).sees("<b onclick=alert(1)>{}</b>")
    assert plain.all("b") == []
