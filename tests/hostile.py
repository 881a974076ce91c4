"""Texts that try to be more than text, and what pages of the service are made of: nothing else may come of them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import html5lib

from tests.allowlist import HREF, REL, TAGS

ALERT = "alert(1)"
LONG = 'x" onmouseover="alert(1)" ' * 400  # too long for every field; each takes as much of it as it can

OWN = (
    # Elements and handlers, bare and broken out of what may stand around them.
    f"<script>{ALERT}</script>",
    f"<img src=x onerror={ALERT}>",
    f"<svg/onload={ALERT}>",
    f"<svg><script>{ALERT}</script></svg>",
    f"<details open ontoggle={ALERT}>",
    f"<input autofocus onfocus={ALERT}>",
    f'"><script>{ALERT}</script>',
    f"'><img src=x onerror={ALERT}>",
    f'" autofocus onfocus="{ALERT}" x="',
    f"' onmouseover='{ALERT}",
    f"x onmouseover={ALERT} y",
    f"`onmouseover={ALERT}`",
    f"</title><script>{ALERT}</script>",
    f"</textarea><script>{ALERT}</script>",
    f"</option></select><img src=x onerror={ALERT}>",
    f"</summary></details></article><svg onload={ALERT}>",
    f"</text></svg><img src=x onerror={ALERT}>",
    f"</h1></a></li></ul></p></div></main></body></html><script>{ALERT}</script>",
    f"--><script>{ALERT}</script><!--",
    f"]]><script>{ALERT}</script><![CDATA[",
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={ALERT}&gt;">',
    f'<noscript><p title="</noscript><img src=x onerror={ALERT}>">',
    f"<scr\tipt>{ALERT}</scr\tipt>",
    f"<ScRiPt\n>{ALERT}</sCrIpT\n>",
    f"\uff1cscript\uff1e{ALERT}\uff1c/script\uff1e",
    f"&lt;script&gt;{ALERT}&lt;/script&gt;",
    f"&amp;lt;img src=x onerror={ALERT}&amp;gt;",
    f"&#60;script&#62;{ALERT}&#x3c;/script&#x3e;",
    # What loads, leads away or changes the page without a script.
    '<base href="//elsewhere.test/">',
    '<meta http-equiv="refresh" content="0;url=//elsewhere.test/">',
    '<link rel="stylesheet" href="//elsewhere.test/x.css">',
    "<style>@import url(//elsewhere.test/x.css); * { display: none }</style>",
    '<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>',
    '<form action="//elsewhere.test/"><button>Sign in again</button>',
    '<a href="//elsewhere.test/" target="_top">Your session has ended</a>',
    '"><input type="hidden" name="csrf_token" value="theirs',
    # Markdown on its way to a link.
    "[here](javascript:alert(1))",
    "[here](JaVaScRiPt:alert(1))",
    "[here](java&Tab;script&colon;alert(1))",
    "[here](javascript:123)",
    "[here](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    '[here](https://example.org/"onmouseover="alert(1) "title\\" onclick=\\"alert(1)")',
    "![here](https://elsewhere.test/pixel.png)",
    "[![x](x)](vbscript:msgbox)",
    "<javascript:alert(1)> <https://example.org/'onclick='alert(1)>",
    'https://example.org/"><script>alert(1)</script>',
    '```"><script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```',
    # For what else the text passes through: templates, spreadsheets, XML, headers, addresses, logs.
    "{{ 7 * 7 }}{% print(config) %}${7*7}#{7*7}<%= 7*7 %>",
    "=cmd|' /C calc'!A0",
    "+1+1\t=1+1",
    "-2+3",
    "@SUM(1+1)",
    '=HYPERLINK("//elsewhere.test/?x="&A1,"here")',
    '","=1+1","',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "Ann\r\nBcc: everybody@example.org\r\n\r\nHello",
    "=?utf-8?q?Ann=0D=0ABcc:_everybody=40example.org?=",
    "Ann%0d%0aSet-Cookie:%20feedback_session=theirs",
    "../../../../etc/passwd?article=x&frame=1#<script>",
    "\u2028alert(1)\u2029//",
    "\u202e\u2066<tpircs>\u2069 right to left",
    "Rae\u200b\u200d\ufeff\u00adlly",
    "\x1b[31mred\x1b[0m\x07\x08",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "undefined, null, NaN, true, [object Object], __proto__",
    # Too much for every field.
    LONG,
    "<" * 51,
    "- a\n" * 1_200,
    # No text at all.
    "Rae\0lly",
    "\u200b\u2060\ufeff",
)


SVG = "{http://www.w3.org/2000/svg}"


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What the service's own pages are made of, other than comments: no handler, no style, nothing that loads by itself.
ELEMENTS = words(
    """
    a article b base bdi blockquote body br button circle caption code datalist dd desc details dialog div dl dt em
    fieldset figcaption figure footer form g h1 h2 h3 head header html input kbd label legend li line link main meta nav
    ol option p pre rect script section select span strong summary svg table tbody td template text textarea th thead
    time title tr ul
    """
)
ATTRIBUTES = words(
    """
    action aria-current aria-describedby aria-hidden aria-invalid aria-label aria-labelledby aria-pressed
    autocapitalize autocomplete autofocus charset checked class content cx cy data-batch data-going data-key
    data-list data-live data-origins data-queue data-reload data-scripted data-site data-state data-undo datetime defer
    dir dx focusable for form formmethod height hidden href id inputmode lang list maxlength method name open
    placeholder r rel required role rows rx scope selected spellcheck src tabindex target text-anchor title type
    value width x x1 x2 y y1 y2
    """
)
IN_COMMENTS = {"href", "rel", "title"}
ADDRESSES = ("action", "formaction", "href", "src")
OURS = re.compile(r"(?:https?://(?:articles\.test|localhost|127\.0\.0\.1)(?::\d+)?)?(?:/(?![/\\])|[?#]|\Z)")
COMMENT = {("div", "said"), ("div", "text")}  # where the clean HTML of a comment stands


@dataclass
class Page:
    """What a page says in its texts and attributes, and the address of the one that continues it, if any."""

    text: str
    following: str | None


def read(markup: str) -> Page:
    """Read a page as a browser would. Whatever the service would not write itself fails."""
    root = html5lib.parse(markup, treebuilder="etree", namespaceHTMLElements=False)
    faults = list(foreign(root))
    assert faults == [], faults
    following = root.find(".//a[@rel='next']")
    attributes = (value for node in root.iter() for value in node.attrib.values())
    text = "\n".join(["".join(root.itertext()), *attributes])
    return Page(text, None if following is None else following.get("href"))


def packed(strings: Iterable[str], most: int) -> Iterator[str]:
    """Put strings together into texts of at most so many characters; what is longer alone is cut."""
    text = ""
    for string in (string[:most] for string in strings):
        if text and len(text) + len(string) >= most:
            yield text
            text = ""
        text = f"{text} {string}".strip(" ")
    yield text


def foreign(node: Element, *, inside: bool = False) -> Iterator[str]:
    """Say what below this element, and about it, the service does not write; `inside` a comment there is less."""
    if not isinstance(node.tag, str):
        yield f"a comment of HTML: {node.text}"
        return
    elements, attributes = (TAGS, IN_COMMENTS) if inside else (ELEMENTS, ATTRIBUTES)
    tag = node.tag.removeprefix(SVG)
    if tag not in elements:
        yield f"the element {node.tag}"
    yield from (f"the attribute {name}={value!r} of {tag}" for name, value in node.items() if name not in attributes)
    if inside and tag == "a" and not (HREF.match(node.get("href", "")) and node.get("rel") == REL):
        yield f"the link {node.attrib}"
    if not inside:
        addresses = {name: node.get(name, "") for name in ADDRESSES}
        yield from (f"the address {name}={value!r}" for name, value in addresses.items() if not OURS.match(value))
        if tag in ("script", "style") and node.text:
            yield f"a {tag} of its own: {node.text}"
    inside = inside or (tag, node.get("class")) in COMMENT
    for child in node:
        yield from foreign(child, inside=inside)
