"""The only place where text becomes HTML; every other text stays plain and is escaped where it is shown.

A reader writes a small Markdown: paragraphs, line breaks, emphasis, strong, code, quotes, lists, links. What looks
like a tag is shown as typed. The way: normalise, limits, Markdown, bleach with link recognition, limits again. Clean
once, from the source; what is clean is never cleaned again.

What comes out is regular, so that the widget rebuilds it with a small tokenizer instead of a parser:

    html   = { text | entity | "<br>" | start html end }         every start has its end, properly nested
    start  = "<p>", or em strong code pre blockquote ul ol li in its place, or
             '<a href="' value '" rel="nofollow ugc noopener">', which may have ' title="' value '"' before the ">"
    end    = "</p>" and so on, "</a>"
    text   = any characters but < > &
    value  = text without ", or entity, any number of them
    entity = "&amp;" | "&lt;" | "&gt;" | "&quot;"

Names are lower case; an address matches HREF once its entities are resolved; an `a` never holds another `a`; nothing
is nested deeper than MAX_DEPTH. The whole is at most MAX_HTML_BYTES of UTF-8 (what fits in bytes fits in characters).
"""

import html
import re
import threading
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from bleach.linkifier import LinkifyFilter
from bleach.sanitizer import Cleaner
from markdown_it import MarkdownIt, helpers
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, list_block
from markdown_it.rules_inline import StateInline, link
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from feedback.characters import Unfit, line, name, normalise, odd_name, visible

__all__ = ["POLICY", "Unfit", "comment_html", "imported_html", "line", "name", "normalise", "odd_name", "shown"]

POLICY = 3  # Stored beside each comment; raise it with every change of what the same source becomes.

MAX_CHARS = 5_000  # Two screens; keeps cleaning under 50 ms.
MAX_TOKENS = 1_000  # Of Markdown; each costs time in two parsers.
MAX_SIGNS = 50  # Of < and & together, which cost more than their share; 48 in the worst of 3,956 real comments.
MAX_FOREIGN_SIGNS = 400  # Of < and & in an import, where most are tags: each costs up to 100 µs, nested ones most.
MAX_FOREIGN_LINKS = 300  # Tags and addresses of an import together, where one link may be a tag with two of them.
MAX_ATTRIBUTES = 50  # Of one tag of an import; links from word processors have a dozen.
MAX_HTML_BYTES = 20_480  # 1,000 characters can become 38 KB.
MAX_LINES = 500  # With text on them: more would be over 1,000 tokens, but are known before Markdown spends its time.
MAX_DEPTH = 16  # Eight lists inside each other; browsers stop at 512.
MAX_STARS = 600  # Of * _ and ` together, each of which may begin something; 82 in the worst of 2,118 real comments.
MAX_LINKS = 100  # Written or recognised: each costs 0.1 ms in both parsers; 20 in the worst of 2,116 real comments.
MAX_BRACKETS = 2  # Open inside each other while the end of a link is sought: each reads the whole paragraph again.
MAX_ADDRESS_BRACKETS = 3  # Likewise in the address of a link, where CommonMark asks for three.

REL = "nofollow ugc noopener"
PAIRED = ("p", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li")
TAGS = frozenset((*PAIRED, "br", "a"))
# bleach takes "javascript:123" and "data:1" for host and port and lets them pass, so the address has its own pattern.
HREF = re.compile(r'\A(?:https?://|mailto:)[^\s\x00-\x20\\<>"`]+\Z')
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
# A bare address in the text: brackets belong to it in pairs, closing punctuation does not.
_IN = r'[^\s\x00-\x20\\<>"`()\u200b-\u200f\u202a-\u202e\u2060-\u2069]'
_URL = re.compile(
    rf"(?<![A-Za-z0-9])[Hh][Tt][Tt][Pp][Ss]?://(?:{_IN}|\({_IN}*\))*"
    rf"(?:(?![.,;:!?'*_~\]}}|\u2019\u201d\u00bb\u2026\u3001\u3002\uff01\uff09\uff0c\uff1a\uff1b\uff1f]){_IN}|\({_IN}*\))"
)
_LINK = re.compile(r"\]\(<?(?:https?://)?|://", re.IGNORECASE)  # What may become a link.
_AMP = "\x91"  # A control that no normalised text has: stands for & while bleach, which resolves &amp;lt; twice, works.
_AMPERSAND = re.compile(r"&(?!(?:lt|gt|quot);)(?:amp;)?")
_UNLINKED = re.compile(r"<a>(.*?)</a>", re.DOTALL)
_AFTER_PRE = re.compile(r"<pre>\n+")
_TAG = re.compile(r"<(/?)([a-z]++)[^>]*+>")
_INLINE = re.compile(r"</?(?:a|code|em|strong)\b[^>]*+>")
_REGULAR = re.compile(
    rf"(?:[^<>&]++|&(?:amp|lt|gt|quot);|<br>|</?(?:{'|'.join(PAIRED)})>|</a>"
    rf'|<a href="[^"<>\s]++" rel="{REL}"(?: title="[^"<>]*+")?>)*+'
)

# Of foreign HTML: entities, names of the same thing, elements whose content is no text.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_KEPT_ENTITIES = {"<": "&lt;", ">": "&gt;", '"': "&quot;", "&": "&amp;"}
_ALIAS = re.compile(r"(</?)([bi])\s*>", re.IGNORECASE)
_ALIASES = {"b": "strong", "i": "em"}
_FOREIGN_LINK = re.compile(r"<a(?=[\s/>])|://|mailto:", re.IGNORECASE)
_HIDDEN = re.compile(
    r"<(script|style|template|noscript|iframe|object|svg|math)(?=[\s/>]).*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
# A tag with that many attributes, as a browser reads them: bleach compares each with all before it.
_OVERLOADED = re.compile(
    r"</?[A-Za-z][^\s/>]*+(?>[\s/]*+[^\s/>][^\s/>=]*+"
    rf"(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?+)?+){{{MAX_ATTRIBUTES}}}"
)

_TOO_FORMATTED = "This comment has too much formatting. Please use fewer lines, lists, links and stars."


def comment_html(source: str) -> str:
    """Return the HTML of a reader's Markdown. Raises Unfit where it is over a limit or shows nothing."""
    source = normalise(source)
    if len(source) > MAX_CHARS:
        raise Unfit(f"This comment has {len(source):,} characters and {MAX_CHARS:,} fit. Please shorten it.")
    if source.count("<") + source.count("&") > MAX_SIGNS:
        raise Unfit(f"This comment has more than {MAX_SIGNS} of the signs < and &. Please use fewer of them.")
    lines, stars, links = sum(map(bool, source.split("\n"))), sum(map(source.count, "*_`")), len(_LINK.findall(source))
    if lines > MAX_LINES or stars > MAX_STARS or links > MAX_LINKS:
        raise Unfit(_TOO_FORMATTED)
    markdown = _tools.markdown
    tokens = markdown.parse(source)
    if sum(1 + len(token.children or ()) for token in tokens) > MAX_TOKENS:
        raise Unfit(_TOO_FORMATTED)
    return _cleaned(markdown.renderer.render(tokens, markdown.options, {}), _tools.cleaner)


def imported_html(source: str) -> str:
    """Return the HTML of a comment that another system stored as HTML.

    Other than for readers, who see their tags as typed, unknown tags go and their text stays; what a browser would
    not have shown goes with its content. Raises Unfit where the comment is over a limit or shows nothing.
    """
    source = normalise(_ENTITY.sub(_character, source))
    if len(source.encode()) > MAX_HTML_BYTES:
        raise Unfit(f"This comment is longer than {MAX_HTML_BYTES:,} bytes. Please shorten it before importing it.")
    signs, links = source.count("<") + source.count("&"), len(_FOREIGN_LINK.findall(source))
    if signs > MAX_FOREIGN_SIGNS or links > MAX_FOREIGN_LINKS or _OVERLOADED.search(source):
        raise Unfit(_TOO_FORMATTED)
    source = _ALIAS.sub(lambda tag: tag[1] + _ALIASES[tag[2].lower()] + ">", _HIDDEN.sub("", source))
    return _cleaned(source, _tools.importer)


def published(html: str | None) -> Markup:
    """Return stored HTML, clean since it was made here, as templates may show it without escaping it again."""
    return Markup(html or "")


def shown(markup: str) -> str:
    """Return the words of clean HTML as readers see them: formatting parts none, blocks and lines stand apart."""
    return html.unescape(_TAG.sub("\n", _INLINE.sub("", markup)))


def _character(entity: re.Match[str]) -> str:
    """Return what an entity stands for, but leave what would be markup an entity."""
    character = html.unescape(entity[0])
    return _KEPT_ENTITIES.get(character, character)


def _cleaned(markup: str, cleaner: Cleaner) -> str:
    """Return markup as regular HTML. Nothing that has not been seen to be regular leaves here."""
    _refuse_long(markup)
    markup = cleaner.clean(_AMPERSAND.sub(_AMP, markup)).replace(_AMP, "&amp;")
    # A link whose address was refused keeps its text. Where a browser skips a line break, none is left to skip.
    markup = _AFTER_PRE.sub("<pre>", _UNLINKED.sub(r"\1", markup)).strip()
    _refuse_long(markup)
    if not _REGULAR.fullmatch(markup):
        raise Unfit("This text cannot be shown safely. Please write it more simply.")
    _refuse_deep(markup)
    if not visible(html.unescape(_TAG.sub("", markup))):
        raise Unfit("Write something first: nothing of this text can be seen.")
    return markup


def _refuse_long(markup: str) -> None:
    if len(markup.encode()) > MAX_HTML_BYTES:
        raise Unfit("With its formatting this comment is too long. Please shorten it or use fewer links.")


def _refuse_deep(markup: str) -> None:
    open_tags: list[str] = []
    for slash, tag in _TAG.findall(markup):
        if slash and (not open_tags or open_tags.pop() != tag) or (tag == "a" and "a" in open_tags):
            raise Unfit("This text cannot be shown safely. Please write it more simply.")
        if not slash and tag != "br":
            open_tags.append(tag)
        if len(open_tags) > MAX_DEPTH:
            raise Unfit(f"Quotes, lists or stars are more than {MAX_DEPTH} deep here. Please use fewer levels.")


def _address(url: str) -> str | None:
    """Return the URL with its scheme in lower case, None where a link must not lead there."""
    scheme, colon, rest = url.partition(":")
    url = scheme.lower() + colon + rest
    try:
        parts = urlsplit(url)
        reachable = parts.scheme == "mailto" or (_HOST.fullmatch(parts.hostname or "") and (parts.port or 0) >= 0)
    except ValueError:  # "http://[", "http://a:b": bleach, too, would leave a link without an address.
        return None
    return url if HREF.match(url) and reachable else None


def _allowed(tag: str, attribute: str, value: str) -> bool:
    """Tell bleach which attributes an `a` keeps; other elements keep none."""
    return attribute == "title" or (attribute == "href" and _address(_plain(value)) is not None)


def _link(attributes: dict[Any, str], new: bool = False) -> dict[Any, str] | None:
    """Write the attributes of every link, typed or recognised, in their one order. Called by bleach."""
    text = attributes["_text"]
    address = _address(_plain(attributes.get((None, "href"), "")))
    if address is None:
        return None if new else {"_text": text}
    attrs = {(None, "href"): _quotable(address), (None, "rel"): REL}
    # Markdown resolves entities in a title, so that only now every character of it is known.
    if title := line(_plain(attributes.get((None, "title"), ""))):
        attrs[None, "title"] = _quotable(title)
    # A link without a visible word would lead somewhere unseen.
    return {**attrs, "_text": text if visible(text.replace(_AMP, "&")) else address}


def _plain(value: str) -> str:
    return html.unescape(value).replace(_AMP, "&")


def _quotable(value: str) -> str:
    value = value.replace("&", _AMP).replace("<", "&lt;")
    return value.replace(">", "&gt;").replace('"', "&quot;")


class _Markdown(MarkdownIt):
    """Keeps what a reader typed visible where Markdown would not: refused links, odd lists, words beside a fence."""

    def __init__(self) -> None:
        # One level more than is allowed: what is nested deeper is dropped silently, but then refused by its depth.
        super().__init__("zero", {"breaks": True, "maxNesting": MAX_DEPTH + 1})
        self.enable(["blockquote", "list", "fence", "newline", "escape", "backticks", "emphasis", "link"])
        self.block.ruler.at("list", _list, {"alt": ["paragraph", "reference", "blockquote"]})
        self.inline.ruler.at("link", _bracket)
        ours = {**vars(helpers), "parseLinkDestination": _destination}
        self.helpers = SimpleNamespace(**ours)  # type: ignore[assignment]
        self.add_render_rule("text", _plain_text)
        self.add_render_rule("code_inline", _code)
        self.add_render_rule("fence", _fence)

    def validateLink(self, url: str) -> bool:
        return _address(url) is not None


# Signs with nothing behind them, or a number other than 1, which HTML would show as 1 again.
_NO_LIST = re.compile(r"(?:[-+*][ \t]*+)++\Z|[0-9]+[.)][ \t]*\Z|(?!0*1[.)])[0-9]+[.)]")


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    # Asked silently, it is about where the paragraph before ends: that stays Markdown's own decision.
    return (silent or not _NO_LIST.match(first)) and list_block(state, start, end, silent)


def _bracket(state: StateInline, silent: bool) -> bool:
    if silent and state.level >= MAX_BRACKETS:
        state.pos = state.posMax  # What Markdown itself does at its own limit, maxNesting.
        return True
    # One that an earlier bracket has already read past as a mere sign is not tried again.
    return (silent or state.cache.get(state.pos) != state.pos + 1) and link(state, silent)


_ADDRESS_STEP = re.compile(r"(?:[^\x00-\x20\x7f()\\]|\\(?:[^ ]|\Z))++")


def _destination(source: str, first: int, most: int) -> Any:
    """Read the address of a link as Markdown does, but not 32 brackets deep: for each it reads on as far again."""
    if source.startswith("<", first):
        return helpers.parseLinkDestination(source, first, most)
    at, depth = first, 0
    while at < most and depth <= MAX_ADDRESS_BRACKETS:
        if step := _ADDRESS_STEP.match(source, at, most):
            at = step.end()
        elif source[at] in "()" and (source[at] == "(" or depth):
            depth += 1 if source[at] == "(" else -1
            at += 1
        else:
            break
    return SimpleNamespace(ok=at > first and not depth, pos=at, str=unescapeAll(source[first:at]))


def _plain_text(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    return _escaped(tokens[at].content)


def _code(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    return f"<code>{_escaped(tokens[at].content)}</code>"


def _fence(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    """Show code, and what stands behind the opening fence unless it is the name of a language."""
    info = tokens[at].info.strip()
    shown = tokens[at].content if re.fullmatch(r"[\w+#.-]*", info) else f"{info}\n{tokens[at].content}"
    return f"<pre><code>{_escaped(shown)}</code></pre>\n"


def _escaped(text: str) -> str:
    # No entity for > and ": each costs bleach 15 µs, and it escapes > itself.
    return text.replace("&", "&amp;").replace("<", "&lt;")


class _Tools(threading.local):
    """One of each per thread: building them costs more than using them, and a Cleaner is not safe to share."""

    def __init__(self) -> None:
        links = partial(LinkifyFilter, callbacks=[_link], skip_tags={"pre", "code"}, url_re=_URL)
        allowed = {"tags": TAGS, "attributes": {"a": _allowed}, "protocols": {"http", "https", "mailto"}}
        self.markdown = _Markdown()
        self.cleaner = Cleaner(**allowed, filters=[links])
        self.importer = Cleaner(**allowed, filters=[links], strip=True)


_tools = _Tools()
