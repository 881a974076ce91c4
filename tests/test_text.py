"""Text becomes HTML in one place; what comes out is checked again by parsers that share nothing with it."""

import html
import re
import sys
import threading
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import helpers

from feedback import text
from feedback.comments.submission import MAX_NAME_CHARS
from feedback.text import Unfit, comment_html, imported_html, line, name, normalise, odd_name
from tests.allowlist import REL, assert_clean
from tests.bench import bodies
from tests.corpora import attack, corpus

LINK = f'<a href="{{}}" rel="{REL}">{{}}</a>'


def shown(markup: str) -> str:
    """Return the text a reader of the markup sees, as far as a line of text goes."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


# The small Markdown


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("It helped me.", "<p>It helped me.</p>"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("*very* **good**", "<p><em>very</em> <strong>good</strong></p>"),
        ("_very_ __good__", "<p><em>very</em> <strong>good</strong></p>"),
        ("take `5 mg`", "<p>take <code>5 mg</code></p>"),
        ("```\na\n b\n```", "<pre><code>a\n b\n</code></pre>"),
        ("```python\na\n```", "<pre><code>a\n</code></pre>"),
        ("> said\n> she", "<blockquote>\n<p>said<br>\nshe</p>\n</blockquote>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("  - a\n  - b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
        ("- a\n  - b", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"),
        (r"\*not\* so", "<p>*not* so</p>"),
    ],
)
def test_readers_write_a_small_markdown(source, expected):
    assert comment_html(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "# no heading",
        "no heading\n---",
        "| no | table |",
        "<b>no tag</b>",
        "<!-- no comment -->",
        "<script>alert(1)</script>",
        "<a href='/path'>no link</a>",
        "<img src=x onerror=alert(1)>",
        "</p><p>",
        "a < b and c > d",
        "5 < 6 & 7 > 2",
        "&lt;b&gt; &amp;lt; &nbsp; &copy; &#60; &#x3c;",
        "* * *",
        "- - -",
        "***",
        "-",
        "2.",
        "ssh://root@example.org",
        "tag:example.org,2026:x",
        "javascript:alert(1)",
        "readme.md",
        "ann@example.org",
        "[1]: see above",
    ],
)
def test_what_is_not_in_it_is_shown_as_typed(source):
    markup = comment_html(source)
    assert shown(markup).replace("<br>\n", "\n") == source
    assert "<a" not in markup
    assert_clean(markup)


def test_code_shows_tags_and_entities_as_typed():
    assert comment_html("`<b> &amp; \"'`") == "<p><code>&lt;b&gt; &amp;amp; \"'</code></p>"
    assert comment_html("```\n<b> &lt; ' http://example.org\n```") == (
        "<pre><code>&lt;b&gt; &amp;lt; ' http://example.org\n</code></pre>"
    )


def test_words_behind_a_fence_are_not_lost():
    assert comment_html("~~~ Great article ~~~") == "<pre><code>Great article ~~~\n</code></pre>"


def test_an_image_becomes_a_link():
    assert comment_html("![pic](http://example.org/a.png)") == (
        "<p>!" + LINK.format("http://example.org/a.png", "pic") + "</p>"
    )


def test_a_number_is_not_changed_by_becoming_a_list():
    assert comment_html("2024. was bad") == "<p>2024. was bad</p>"
    assert comment_html("1. a\n\nand\n\n2. b").endswith("<p>2. b</p>")


# Links


def test_brackets_in_the_words_of_a_link_go_two_deep():
    assert comment_html("[a [b] c](http://d)") == "<p>" + LINK.format("http://d", "a [b] c") + "</p>"
    assert comment_html("[a [b [c]]](http://d)") == "<p>[a [b [c]]](" + LINK.format("http://d", "http://d") + ")</p>"
    assert comment_html("[[[[ [a](http://d)") == "<p>[[[[ " + LINK.format("http://d", "a") + "</p>"


def test_brackets_in_the_address_of_a_link_go_three_deep():
    assert comment_html("[a](http://b/(c(d(e))))") == "<p>" + LINK.format("http://b/(c(d(e)))", "a") + "</p>"
    assert comment_html("[a](http://b/(c(d(e(f)))))").startswith("<p>[a](<a href=")


@given(st.text("ab(()) \\<>\n\t\x7f&;\u6f22", min_size=1), st.integers(0, 9), st.integers(0, 9))
def test_the_address_of_a_link_is_read_as_markdown_reads_it(source, first, left):
    first, most = min(first, len(source) - 1), len(source) - left
    theirs, ours = (
        read(source, first, most)
        for read in (helpers.parseLinkDestination, text._tools.markdown.helpers.parseLinkDestination)
    )
    if source.count("(") <= text.MAX_ADDRESS_BRACKETS:
        assert ours.ok == theirs.ok
    if ours.ok:
        assert (theirs.ok, theirs.pos, theirs.str) == (True, ours.pos, ours.str)


@pytest.mark.parametrize(
    ("source", "address", "words"),
    [
        ("[site](https://example.org)", "https://example.org", "site"),
        ("[write](mailto:ann@example.org)", "mailto:ann@example.org", "write"),
        ("https://example.org/?a=1&b=2", "https://example.org/?a=1&amp;b=2", "https://example.org/?a=1&amp;b=2"),
        ("https://example.org/?a=1&copy;=2", *["https://example.org/?a=1&amp;copy;=2"] * 2),
        ("https://example.org/Alzheimer's_disease", *["https://example.org/Alzheimer's_disease"] * 2),
        ("https://example.org/a_(b)", *["https://example.org/a_(b)"] * 2),
        ("HTTPS://Example.org/A", "https://Example.org/A", "HTTPS://Example.org/A"),
        ("[x](HTTP://example.org)", "http://example.org", "x"),
        ("http://localhost:8000/ü", *["http://localhost:8000/ü"] * 2),
        ("[](https://example.org)", *["https://example.org"] * 2),
        ("[\u200b](https://example.org)", *["https://example.org"] * 2),
        ("[`code` *em*](http://a.b)", "http://a.b", "<code>code</code> <em>em</em>"),
        ("[a [1] b](http://a.b)", "http://a.b", "a [1] b"),
        ("[a](http://a.b?x='y')", "http://a.b?x='y'", "a"),
        ('[a](<http://a.b/"c d">)', "http://a.b/%22c%20d%22", "a"),
    ],
)
def test_links(source, address, words):
    markup = comment_html(source)
    assert markup == f"<p>{LINK.format(address, words)}</p>"
    assert_clean(markup)


@pytest.mark.parametrize(
    ("source", "before", "address", "after"),
    [
        ("See http://a.b/c.", "See ", "http://a.b/c", "."),
        ("(at http://a.b/c)", "(at ", "http://a.b/c", ")"),
        ("(see http://a.b/c_(d)), yes", "(see ", "http://a.b/c_(d)", "), yes"),
        ("'http://a.b'", "'", "http://a.b", "'"),
        ('"http://a.b"', '"', "http://a.b", '"'),
        ("<http://a.b>", "&lt;", "http://a.b", "&gt;"),
        ("really: http://a.b/?q!?", "really: ", "http://a.b/?q", "!?"),
        ("请看https://a.b/c。", "请看", "https://a.b/c", "。"),
        ("http://a.b\u202eevil\u202c", "", "http://a.b", "\u202eevil\u202c"),
    ],
)
def test_a_bare_address_ends_where_a_sentence_goes_on(source, before, address, after):
    assert comment_html(source) == f"<p>{before}{LINK.format(address, address)}{after}</p>"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:123",
        "javascript:alert(1)",
        "JaVaScRiPt:1",
        "java\tscript:1",
        "javascript&colon;1",
        "&#106;avascript:1",
        "\x01javascript:1",
        "data:1",
        "data:text/html,x",
        "vbscript:1",
        "tel:900123456",
        "ftp://example.org",
        "//example.org",
        r"\\example.org",
        "/path",
        "#fragment",
        "",
        "http:example.org",
        "http:/example.org",
        "https://",
        "http://[",
        "http://a:b",
        "http://a:99999",
        "http://;x",
        "http://?a",
        "mailto:",
    ],
)
def test_a_link_leads_to_http_or_mail_alone(address):
    markup = comment_html(f"[click]({address}) and [here](<{address}>)")
    assert "<a" not in markup
    assert "click" in markup
    quoted = address.replace("&", "&amp;").replace('"', "&quot;")
    assert imported_html(f'<p><a href="{quoted}">click</a></p>') == "<p>click</p>"


def test_the_title_of_a_link_is_clean_too():
    markup = comment_html('[x](http://a.b "say &quot;hi&quot; <b> & &#x202e;turn&#10;line")')
    assert 'title="say &quot;hi&quot; &lt;b&gt; &amp; turn line"' in markup
    assert_clean(markup)


# Known weaknesses of bleach 6.4, each closed


def test_bleach_reads_a_scheme_with_digits_as_host_and_port():
    for address in ("javascript:123", "data:1", "javascript:`\u0412\u0430\u0448 8 800`"):
        assert "<a" not in imported_html(f'<a href="{address}">x</a>')


def test_bleach_resolves_entities_twice_where_links_are_recognised():
    assert comment_html("&lt;b&gt;") == "<p>&amp;lt;b&amp;gt;</p>"
    assert imported_html("<p>&amp;lt;b&amp;gt; &amp;nbsp;</p>") == "<p>&amp;lt;b&amp;gt; &amp;nbsp;</p>"


def test_bleach_links_any_scheme_and_any_word_with_a_known_ending():
    source = "tag:example.org data:example.com/html,x ssh://root@example.com feed:example.com a.de example.com"
    assert comment_html(source) == f"<p>{source}</p>"


def test_bleach_knows_few_endings_but_every_host_is_linked():
    assert comment_html("https://a.museum.health/") == "<p>" + LINK.format(*["https://a.museum.health/"] * 2) + "</p>"


def test_bleach_quotes_with_either_quote_but_here_always_double():
    markup = imported_html("""<a title='say "hi" > <' href='http://a.b/?c=d'>x</a>""")
    assert f'<a href="http://a.b/?c=d" rel="{REL}" title="say &quot;hi&quot; &gt; &lt;">x</a>' == markup


def test_bleach_keeps_a_scripts_text_when_it_strips_tags():
    assert imported_html("<p>a<script>alert(1)</script><style>b{}</style>c</p>") == "<p>ac</p>"


def test_a_cleaner_is_not_shared_between_threads():
    sources = [f"**{n}** [x](http://a.b/{n}) <i>{n}</i>" for n in range(8)]
    expected = [comment_html(source) for source in sources]
    wrong = []

    def work(source, result):
        wrong.extend(found for _ in range(30) if (found := comment_html(source)) != result)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(sources, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Limits


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("a" * 5_001, "5,001 characters"),
        ("é" * 5_001, "shorten"),
        ("<" * 51, "more than 50 of the signs < and &"),
        ("& <" * 26, "use fewer"),
        ("- a\n" * 400, "too much formatting"),
        ("*a* " * 400, "too much formatting"),
        ("a_" * 301 + "*" * 300, "too much formatting"),
        ("[`" * 601, "too much formatting"),
        ("a\n" * 600, "too much formatting"),
        ("```\n```\n" * 300, "too much formatting"),
        ("```\n" + "a\n" * 500, "too much formatting"),
        ("http://a.b/c " * 101, "fewer lines, lists, links"),
        ("[](HTTP://a)" * 101, "fewer lines, lists, links"),
        ("http://a.b/c " * 100 + "\U0001f600" * 3_700, "shorten it or use fewer links"),
        (">" * 30 + " lost", "16 deep"),
        ("- " * 20 + "lost", "16 deep"),
        ("*" * 50 + "a" + "*" * 50, "16 deep"),
        ("a\0b", "broken character"),
        ("a\ud800b", "broken character"),
    ],
)
def test_over_a_limit_the_reader_is_told_what_to_do(source, advice):
    with pytest.raises(Unfit, match=re.escape(advice)) as refused:
        comment_html(source)
    assert "lease" in str(refused.value)


@pytest.mark.parametrize("source", ["", " \n", "\u200b\u2060", "\u3164", "\u0301", "> ", "```\n```"])
def test_what_shows_nothing_is_refused(source):
    with pytest.raises(Unfit, match="Write something first"):
        comment_html(source)


@pytest.mark.parametrize(
    "source",
    [
        "a" * 5_000,
        "<" * 50,
        "a_" * 300 + " * " * 200 + "`" * 100,
        "- a\n" * 150,
        "[a](http://b) " * 100,
        "http://a.b/c " * 100,
        "漢" * 5_000,
        '"' * 5_000,
        "'" * 5_000,
        ">" * 8 + " a",
        "- " * 8 + "a",
    ],
)
def test_up_to_a_limit_it_is_taken(source):
    assert_clean(comment_html(source))


def test_no_text_known_to_be_costly_costs_70_plain_ones():
    """In calls, which are the same on a busy machine; `python -m tests.bench` measures the time."""
    plain = calls(bodies.PLAIN)
    for recipe in (*bodies.COSTLY_COMMENTS, ("", "[](http://a("), ("", "[a](b()")):
        for length in (4_500, 5_000):
            assert calls(bodies.repeated(recipe, length)) < 70 * plain, recipe


def calls(source: str) -> int:
    """Return how many functions are called to take or refuse a comment."""
    made = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        comment_html(source)
    except Unfit:
        pass
    finally:
        sys.setprofile(None)
    return made


def test_html_is_measured_in_bytes():
    assert len(comment_html("漢" * 5_000).encode()) > 15_000
    with pytest.raises(Unfit, match="shorten"):
        comment_html("\U0001f600" * 3_700 + "[](http://a.b)" * 95)  # Some 10,000 characters of HTML.


# Text is normalised


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  two words \n", "two words"),
        ("a\r\nb\rc\u2028d\u2029e", "a\nb\nc\nd\ne"),
        ("tab\tstays", "tab\tstays"),
        ("e\u0301", "\u00e9"),
        ("e\x01\u0301", "\u00e9"),
        ("a\x07b\x1bc\x7fd\x85e\x9ff", "abcdef"),
        ("a\ufdd0b\uffffc\U0010fffe", "abc"),
        ("Z" + "\u0335\u0334" * 40, "Z" + "\u0335\u0334" * 2),
        ("Z" + "\u0316" * 5_000, "Z" + "\u0316" * 4),
        ("a\u0335\u200d\u0335\u0335\u200d\u0335\u0335\u0335", "a\u0335\u200d\u0335\u0335\u200d\u0335"),
        ("\u1ec7", "\u1ec7"),
        ("\u202eabc", "abc"),
        ("abc\u202c", "abc"),
        ("\u202eabc\u202c", "\u202eabc\u202c"),
        ("\u2067abc\u2069", "\u2067abc\u2069"),
        ("\u202eab\nc\u202c", "ab\nc"),
        ("\u2066a\u202eb\u2069c", "\u2066ab\u2069c"),
        ("\u202ea\u2069b\u202c", "\u202eab\u202c"),
        ("\u202ba\u2066b\u202cc\u2069d\u202c", "\u202ba\u2066bc\u2069d\u202c"),
        ("\u2066\u2067\u2068 hello", "hello"),
        ("\u05d0\u200f\u200e", "\u05d0\u200f\u200e"),
        ("  - a\n    - b", "- a\n  - b"),
    ],
)
def test_text_is_normalised(typed, stored):
    assert normalise(typed) == stored


@pytest.mark.parametrize("typed", ["a\0b", "\ud83d", "a\udc00b"])
@pytest.mark.parametrize("function", [normalise, line, name, comment_html, imported_html])
def test_broken_characters_are_refused_not_dropped(function, typed):
    with pytest.raises(Unfit, match="broken character"):
        function(typed)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("a\nb", "a b"),
        ("a\r\n\r\n\tb", "a b"),
        (" a  b ", "a  b"),
        ("x\u2028y", "x y"),
        ("\t", ""),
        ("a\x1b[31mb", "a[31mb"),
    ],
)
def test_a_field_of_one_line_has_one_line(typed, stored):
    assert line(typed) == stored


# Names


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("  Rae  Reader ", "Rae Reader"),
        ("\uff33\uff35\uff30\uff30\uff2f\uff32\uff34", "SUPPORT"),
        ("\U0001d400\U0001d41d\U0001d426\U0001d422\U0001d427", "Admin"),
        ("user\u202egpj.exe", "usergpj.exe"),
        ("\u202eRae\u202c\u200e", "Rae"),
        ("vi\u200bag\u200cra ch\u200dea\u2060p", "viagra cheap"),
        ("Ann\nSubject: hi", "Ann Subject: hi"),
        ("\x1b[2JAnn", "[2JAnn"),
        ("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("a" + "\u0301" * 30, "\u00e1" + "\u0301" * 4),
        ("\u304b" + "\uff9e" * 30, "\u304c" + "\u3099" * 4),
        ("\u200b\u2060\ufeff\u3164\u115f", ""),
        ("\u3164", ""),
        ("\u2800 \u00a0", ""),
        ("\u0301\u0301", ""),
        ("\U000e0041\U000e0042", ""),
        ("", ""),
    ],
)
def test_a_name_shows_what_it_is(typed, shown):
    assert name(typed) == shown


@pytest.mark.parametrize(
    "typed",
    [
        "\u0410dmin",
        "M\u043ederator",
        "Ad\u03bfnis",
        "\u0555wen",
        "\u13aadmin",
        "Ann \u0418\u0432\u0430\u043d\u043e\u0432\u0430",
        "Ann \u05d0\u05d1",
        "\u30ab\ud558",
        "Ad\u200bmin",
        "fr\u00adee",
        "user\u202egpj",
        "Ann\u200e",
        "a\u200db",
        "a\ufe0fb",
        "hi\U000e0069",
        "\u3164",
        "Ann\x1b[31m",
    ],
)
def test_a_name_that_can_pass_for_another_is_odd(typed):
    assert odd_name(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "Ann",
        " Ann\n",
        "Ann-Marie O'Neil 2",
        "\u00c5sa \u00d8. \u0141ukasz",
        "\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432",
        "\u0391\u03bd\u03bd\u03b1",
        "\u4e2d\u6587 Li",
        "\u5c71\u7530\u592a\u90ce\u3055\u3093 \u30bf\u30ed\u30fc Taro \u3005",
        "\uae40\ucca0\uc218 \u91d1 Kim",
        "\u674e\u3105 Li",
        "\uff33\uff55\uff45",
        "\U0001d400nn",
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
        "\u0915\u094d\u200d\u0937",
        "Rae \u2764\ufe0f",
        "\U0001f469\U0001f3fd\u200d\u2695\ufe0f",
        "Zo\u00eb \u02bbokina",
        "e\u0301",
        "",
    ],
)
def test_a_name_of_any_one_language_is_not_odd(typed):
    assert not odd_name(typed)


# Imported HTML


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        ("<p>a <b>b</b> <I >c</I></p>", "<p>a <strong>b</strong> <em>c</em></p>"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a &eacute;&nbsp;&#8217;&#x2019; &lt;b&gt; it&#39;s", "a \u00e9\u00a0\u2019\u2019 &lt;b&gt; it's"),
        ("a & b &unknown; &copy", "a &amp; b &amp;unknown; &amp;copy"),
        ("a<br/>b<img src=x onerror=alert(1)>", "a<br>b"),
        ("<p onclick=x style=y class=z>a", "<p>a</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ('<a href="http://a.b" onclick=x target=_blank rel=follow>x</a>', LINK.format("http://a.b", "x")),
        ("see http://a.b/c", "see " + LINK.format(*["http://a.b/c"] * 2)),
        ("a<!-- b -->c", "ac"),
        ("<p>a &#x202e;b</p>", "<p>a b</p>"),
        ("a<script>b", "a"),
        ("<pre>\n\na\nb</pre>", "<pre>a\nb</pre>"),
        ("<a name=x>&lt;b&gt;</a> &amp; <a>c</a>", "&lt;b&gt; &amp; c"),
    ],
)
def test_foreign_html_enters_at_the_cleaner(foreign, expected):
    markup = imported_html(foreign)
    assert markup == expected
    assert_clean(markup)


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "<p></p>",
        "<script>a</script>",
        "<b>" * 30 + "a",
        "<i></i>" * 201,
        "http://a.b " * 301,
        "<a href=mailto:a@b>a</a>" * 151,
        "a" * 20_481,
        "<p><b>" * 400 + "a",
    ],
)
def test_foreign_html_has_limits_too(foreign):
    with pytest.raises(Unfit):
        imported_html(foreign)


# Anything at all

MARKUP = st.lists(
    st.sampled_from(
        [
            *"[]()<>&\"'*_`~\\#-+.!|:=/ \t\n\r1a",
            "**",
            "```\n",
            "> ",
            "- ",
            "1. ",
            "](",
            "](http://a.b",
            ' "t")',
            "http://",
        ]
        + ["https://x.y/z", "mailto:a@b.c", "javascript:1", "&lt;", "&amp;", "&#x202e;", "&quot;", "\u202e", "\u202c"]
        + ["\u2066", "\u2069", "\u0301", "\u200d", "\u2028", "\xa0", "\x91", "é", "漢", "😀"]
    ),
    max_size=60,
).map("".join)
FOREIGN = st.lists(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "<b>",
            "</b>",
            "<a>",
            "</a>",
            '<a href="http://a.b" title=\'"\'>',
            "<a href=javascript:1>",
            "<br>",
        ]
        + ["<ul>", "<li>", "</ul>", "<pre>", "</pre>", "<code>", "<em>", "</em>", "<table>", "<td>", "<svg>", "<math>"]
        + ["<style>", "</style>", "<script>", "<!--", "-->", "<![CDATA[", "<?", "<select>", "<template>", "<noscript>"]
        + [
            "<blockquote>",
            "</blockquote>",
            "</li>",
            "<div>",
            "<img src=x>",
            "&#60;",
            "&lt;",
            "&amp;",
            "&",
            "<",
            ">",
            '"',
        ]
        + ["'", "=", "/", " ", "\n", "x", "http://c.d/e", "\x91", "\u202e"]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(MARKUP | st.text())
@example("[a](http://x/?&amp;)")
@example("[a](http://xn--\u0f0c\u0f0d)")
def test_no_comment_leaves_the_allow_list(source):
    try:
        markup = comment_html(source)
    except Unfit:
        return
    assert_clean(markup)


@settings(max_examples=300, deadline=None)
@given(FOREIGN)
@example("<a href='http://a.b'><p>x</a>y")
@example("<pre><table>&#60;")
def test_no_import_leaves_the_allow_list(foreign):
    try:
        markup = imported_html(foreign)
    except Unfit:
        return
    assert_clean(markup)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("<>&;\"'/=abclt gquomp#6x"), min_size=1, max_size=60).map(str.strip).filter(bool))
def test_tags_and_entities_lose_nothing(source):
    if source[0] in ">#" or source.count("<") + source.count("&") > text.MAX_SIGNS:
        source = "a" + source.replace("<", "")
    assert shown(comment_html("a" + source)) == normalise("a" + source)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")) | MARKUP)
def test_normalising_twice_changes_nothing(typed):
    for function in (normalise, line, name):
        once = function(typed)
        assert function(once) == once
        assert unicodedata.is_normalized("NFC", once)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", line(typed) + name(typed))
    odd_name(typed)


# Public test data


def assert_clean_or_refused(function, source):
    try:
        markup = function(source)
    except Unfit:
        return
    assert_clean(markup)


def test_flaws_of_others_stay_theirs():
    for case in corpus("cve_regressions.json"):
        assert_clean_or_refused(comment_html, case["payload"])
        assert_clean_or_refused(imported_html, case["payload"])


def test_public_attacks_fail():
    for case in corpus("public_xss.json"):
        assert_clean_or_refused(comment_html, case["s"])
        assert_clean_or_refused(imported_html, case["s"])


def test_texts_that_grow_are_refused_or_stay_small():
    for generator in corpus("dos_generators.json"):
        for length in generator["lengths"]:
            source = attack(generator, length)
            assert_clean_or_refused(comment_html, source)
            assert_clean_or_refused(imported_html, source)


def test_abused_fields_become_names_without_tricks():
    for case in corpus("field_abuse_unicode.json"):
        shown = name(case["value"])
        assert len(shown) > MAX_NAME_CHARS or name(shown) == shown
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    odd = {case["id"] for case in corpus("field_abuse_unicode.json") if odd_name(case["value"])}
    assert {"rtl_override", "zero_width_word", "soft_hyphen", "homoglyph_author", "homoglyph_author2"} <= odd
    assert {"tag_chars", "only_invisible", "hangul_filler_author", "ansi_escape", "mail_header_name"} <= odd
    assert not odd & {"fullwidth", "turkish_i", "sharp_s", "long_emoji_zwj", "sql", "template", "path"}
