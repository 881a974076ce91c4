/* <article-feedback>: one question and one conversation at the end of an article.
 *
 * Runs under `script-src` and `connect-src` of the service alone, with Trusted Types enforced: nodes are made one by
 * one, styles are constructed sheets, nothing is ever parsed as HTML. Nothing is stored before the reader acts.
 *
 * Attributes: site, article, revision, show, theme, sections, lazy, lang.
 * Events: feedback:ready, feedback:vote, feedback:comment, feedback:error.
 *
 * Every statement ends with a semicolon and a regular expression only follows `(`, `=` or `,`: the service minifies
 * this file by rjsmin, which cannot tell the other cases apart.
 */
(() => {
  "use strict";

  const NAME = "article-feedback";
  if (customElements.get(NAME)) return;

  const SOURCE = (document.currentScript ?? document.querySelector('script[src*="/widget.js"]')).src;
  const STORED_UNDER = "feedback:reader";
  const PATIENCE_MS = 20_000; // after this a silent connection counts as lost, and the reader may try again
  const DEEPEST = 40; // nested elements in one comment: beyond it they are flattened, so that no answer can hang a page

  // All that a reader can see, in one table, so that a translation is another table.
  const TEXT = {
    question: "Did this article help you?",
    yes: "Yes",
    no: "No",
    undo: "Undo",
    retry: "Try again",
    answered: {
      yes: "Thank you. We are glad it helped.",
      no: "Thank you. What would have helped you?",
      none: "Your answer was taken back.",
    },
    lost: "The connection was lost. What you entered is still here.",
    failed: "That did not work.",
    busy: "That was too much at once. Please try again after {time}.",
    write: "Leave a comment",
    body: "Your comment",
    name: "Your name (optional)",
    hint: "You can use *emphasis*, **bold**, `code`, > quotes, lists and links.",
    send: "Send comment",
    reply: "Reply",
    replyTo: "Reply to {name}",
    flag: "Flag",
    flagTo: "Flag what {name} wrote",
    answer: "Your reply",
    sendReply: "Send reply",
    cancel: "Cancel",
    heading: "Comments ({n})",
    loading: "Loading comments …",
    unloaded: "The comments could not be loaded.",
    empty: "No comments yet. Yours would be the first.",
    closed: "Comments are closed here.",
    more: "Show more comments",
    moreReplies: "Show more replies",
    anonymous: "A reader",
    edited: "edited",
    pinned: "Pinned",
    waiting: "Waiting for moderation",
    withdrawn: "Withdrawn by its author.",
    removed: "Removed.",
  };

  /* Looks. Custom properties: --feedback-font, -font-size, -text, -muted, -background, -field, -line, -accent,
   * -on-accent, -wash, -danger, -radius, -padding. Every class is also a ::part(): box, section, question, comments, footer,
   * heading, vote, yes, no, chip, primary, other, link, status, followup, field, notice, guide, hint, error, form, list,
   * comment, name, date, badge, text, byline, share, print (row and stack are for the inside).
   * `all: initial` stands on the box, not on the host: a page's rules reach the host whatever it says.
   */
  const STYLE = `
:host{display:block}
:host([hidden]),[hidden]{display:none!important}
.box{all:initial;display:block;color-scheme:light dark;
--text:var(--feedback-text,light-dark(#22262b,#e6e5e0));
--muted:var(--feedback-muted,light-dark(#59616b,#a7afb7));
--field:var(--feedback-field,light-dark(#fff,#14171a));
--line:var(--feedback-line,light-dark(#dcdfde,#353b41));
--edge:light-dark(#7b858c,#7f8a92);
--accent:var(--feedback-accent,light-dark(#1d5f6b,#86c8d2));
--on-accent:var(--feedback-on-accent,light-dark(#fff,#0d2226));
--wash:var(--feedback-wash,light-dark(#eef4f4,#1f292d));
--danger:var(--feedback-danger,light-dark(#a3261b,#ff9f92));
--radius:var(--feedback-radius,10px);
padding:var(--feedback-padding,clamp(1.1rem,5%,2rem));border:1px solid var(--line);border-radius:var(--radius);
background:var(--feedback-background,light-dark(#fff,#1b1f23));color:var(--text);
font-family:var(--feedback-font,inherit);font-size:var(--feedback-font-size,max(16px,1em));line-height:1.55;overflow-wrap:anywhere}
:host([theme=light]) .box{color-scheme:light}
:host([theme=dark]) .box{color-scheme:dark}
*{box-sizing:border-box}
p,h2,h3,legend,fieldset,.list{margin:0;padding:0;border:0;min-inline-size:0}
h2,h3,legend{font-size:1.25em;font-weight:650;line-height:1.3}
h3,.followup legend{font-size:1.1em}
form+h3{margin-block-start:1.2em}
.hint,time{color:var(--muted);font-size:.875em}
.row{display:flex;flex-wrap:wrap;gap:.5em .6em;align-items:center}
.stack{display:grid;align-content:start;gap:.85em;grid-template-columns:minmax(0,1fr)}
.section{margin-block-start:1.7em;padding-block-start:1.7em;border-block-start:1px solid var(--line)}
.section:first-child{margin:0;padding:0;border:0}
legend{margin-block-end:.7em}
.question{min-block-size:9.2em}
.loading{min-block-size:24em}
button,input,textarea,select{font:inherit;color:inherit;border:1px solid var(--edge);border-radius:calc(var(--radius)*.7);background:var(--field)}
button{min-block-size:2.5em;padding:.3em 1.1em;cursor:pointer}
button:hover{border-color:var(--accent)}
.vote,.chip{border-radius:2em}
.vote{min-inline-size:5.8em;font-weight:600}
.chip{min-block-size:2.1em;padding-block:.1em}
[aria-pressed=true]::before{content:"✓ "/""}
.primary,[aria-pressed=true]{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.primary{font-weight:600}
.link{justify-self:start;min-block-size:1.9em;padding:0 .3em;margin-inline:-.3em;border-color:transparent;background:none;color:var(--accent);text-decoration:underline}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
[aria-busy=true]{opacity:.65}
label{display:block;font-size:.9375em;font-weight:600}
label>*{display:block;inline-size:100%;min-block-size:2.5em;margin-block-start:.3em;padding:.45em .7em;font-size:1.0667em;font-weight:400}
.row>label{flex:1 12em}
.end{align-items:end}
textarea{min-block-size:6em;resize:vertical;line-height:1.5}
[aria-invalid]{border-color:var(--danger);box-shadow:inset 0 0 0 1px var(--danger)}
.error{color:var(--danger)}
.stack>:empty{display:none}
.notice,.followup{padding:.7em 1em;border-radius:calc(var(--radius)*.7);background:var(--wash)}
.followup{padding:1.1em}
.guide{white-space:pre-line;font-size:.9375em}
.trap{position:absolute;clip-path:inset(50%)}
.list{list-style:none}
.list>li+li{margin-block-start:1.3em;padding-block-start:1.3em;border-block-start:1px solid var(--line)}
.list .list{margin-block:1em .6em;padding-inline-start:clamp(.8em,4%,1.5em);border-inline-start:2px solid var(--line)}
.list .list>li+li{padding:0;border:0}
.list .list:empty,.list:not(:empty)~.empty{display:none}
header{display:flex;flex-wrap:wrap;gap:.1em .7em;align-items:baseline}
.badge{padding:0 .7em;border-radius:1em;background:var(--wash);color:var(--accent);font-size:.8125em;font-weight:600}
.text{margin-block:.3em}
.text *{margin:0 0 .6em}
.text a{color:var(--accent)}
.text :is(ul,ol){padding-inline-start:1.5em}
blockquote{padding-inline-start:.9em;border-inline-start:3px solid var(--line);color:var(--muted)}
code{font:.9em/1.5 ui-monospace,monospace}
pre{padding:.6em .9em;border-radius:6px;background:var(--wash);white-space:pre-wrap}
@media (forced-colors:active){.primary,[aria-pressed=true]{forced-color-adjust:none;background:Highlight;color:HighlightText}}
@media print{.question,form,button,h2{display:none!important}}
`;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);

  // ---- Nodes

  let count = 0;
  const unique = () => "f" + ++count;

  /** Return an element. A function listens, a missing value is left out, and a class is a part of the same name. */
  function h(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value != null) node.setAttribute(name, value);
      if (name === "class") node.part = value;
    }
    node.append(...children.filter(Boolean));
    return node;
  }

  const button = (kind, label, click, attributes) => h("button", { type: "button", class: kind, click, ...attributes }, label);

  const fill = (sentence, values) => sentence.replace(/{(\w+)}/g, (_, name) => values[name]);

  const ALLOWED = new Set(["p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a"]);
  const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  const TOKEN = /<(\/?)([a-z]+)((?: [a-z]+="[^"]*")*) ?\/?>|[^<]+|</g;
  const ATTRIBUTE = / (href|title)="([^"]*)"/g;
  const LINK = /^(https?:\/\/|mailto:)/;

  const decode = (text) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name]);

  /** Rebuild the service's clean HTML node by node. What is not on the list stands as the characters it is made of. */
  function build(html) {
    const open = [document.createDocumentFragment()];
    for (const [token, closing, tag, attributes] of html.matchAll(TOKEN)) {
      const parent = open.at(-1);
      if (!ALLOWED.has(tag)) parent.append(decode(token));
      else if (!closing) {
        const node = h(tag, tag === "a" && link(attributes));
        parent.append(node);
        if (tag !== "br" && open.length < DEEPEST) open.push(node);
      } else if (parent.localName === tag) open.pop();
    }
    return open[0];
  }

  function link(attributes) {
    const kept = { rel: "nofollow ugc noopener" };
    for (const [, name, value] of attributes.matchAll(ATTRIBUTE)) kept[name] = decode(value);
    if (!LINK.test(kept.href)) delete kept.href;
    return kept;
  }

  // ---- The reader

  let unstored = null; // the token where the browser refuses to keep it

  const random = () =>
    btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .slice(0, 22);

  function known() {
    try {
      const token = localStorage.getItem(STORED_UNDER);
      if (/^[\w-]{22}$/.test(token)) return token;
    } catch {
      // Storage is refused: the token lives as long as the page.
    }
    return unstored;
  }

  function reader() {
    const token = known() ?? random();
    unstored = token;
    try {
      localStorage.setItem(STORED_UNDER, token);
    } catch {
      // As above.
    }
    return token;
  }

  // ---- The page

  /** The canonical address's path and query, with escapes written the one way that RFC 3986 prefers. */
  function keyOfPage() {
    const canonical = document.querySelector('link[rel="canonical"]')?.href;
    const url = new URL(canonical || location.href);
    return (url.pathname + url.search).replace(/%[\da-f]{2}/gi, (code) => {
      const character = String.fromCharCode(parseInt(code.slice(1), 16));
      return /[\w.~-]/.test(character) ? character : code.toUpperCase();
    });
  }

  /** When the article last changed, as its head says it: Open Graph's word, else linked data's. */
  function revisionOfPage() {
    const meta = document.querySelector('meta[property="article:modified_time"]');
    const data = [...document.querySelectorAll('script[type="application/ld+json"]')].map((script) => script.textContent);
    return meta?.content || data.join().match(/"dateModified"\s*:\s*"([^"]+)"/)?.[1];
  }

  const page = () => ({
    title: (document.title || document.querySelector("h1")?.textContent || "").trim().slice(0, 300),
    url: location.href.split("#")[0].slice(0, 2000),
  });

  function languageOf(element) {
    try {
      return Intl.getCanonicalLocales(element.closest("[lang]")?.lang || [])[0];
    } catch {
      // A page may claim a language that does not exist; the browser's own will do.
    }
  }

  // ---- The service

  /** Return the answer's JSON, or throw {status, detail, errors, wait}; status 0 means that no answer came. */
  async function ask(url, options) {
    let answer = { status: 0 };
    let data;
    try {
      answer = await fetch(url, { credentials: "omit", ...options });
      data = await answer.json();
      if (answer.ok) return data;
    } catch {
      // No connection, or an answer that is not the service's.
    }
    throw { ...data, status: answer.ok ? 0 : answer.status, wait: answer.headers?.get("Retry-After") };
  }

  const again = ({ status }) => !status || status === 429 || status > 499;

  const asked = new Map(); // address → the question under way: several elements of one article on a page ask once

  /** Read an address for the one whose `signal` this is; the last to lose interest ends the request. */
  function read(url, signal) {
    if (!asked.has(url)) {
      const control = new AbortController();
      const forget = () => asked.delete(url);
      const limit = AbortSignal.any([control.signal, AbortSignal.timeout(PATIENCE_MS)]);
      asked.set(url, { readers: 0, end: () => control.abort(forget()), answer: ask(url, { signal: limit }).finally(forget) });
    }
    const question = asked.get(url);
    question.readers++;
    signal.addEventListener("abort", () => --question.readers || question.end());
    return question.answer;
  }

  /** One article shown in one element, from connecting (or a changed attribute) to the next change or removal. */
  class Visit {
    control = new AbortController();

    constructor(element) {
      const of = (name) => element.getAttribute(name);
      const show = (of("show") || "vote comments").split(/\s+/);
      this.element = element;
      this.site = of("site") ?? "";
      this.article = of("article") || keyOfPage();
      this.revision = (of("revision") || revisionOfPage())?.slice(0, 64);
      this.language = languageOf(element);
      this.status = h("p", { class: "status", role: "status" });
      this.extras = ["byline", "share", "print"].filter((part) => show.includes(part));
      this.question = show.includes("vote") && new Question(this);
      this.conversation = show.includes("comments") && new Conversation(this);
      // Where the element is but a byline, what the page put inside it stands until the names are known.
      this.footer = this.extras[0] && h("div", { class: "section footer" }, !this.question && !this.conversation && h("slot"));
      this.box = h(
        "div",
        { class: "box", lang: "en" },
        this.footer,
        this.question ? this.question.node : this.status,
        this.conversation.node,
      );
    }

    get over() {
      return this.control.signal.aborted;
    }

    start() {
      if (/^(off|false|no)$/.test(this.element.getAttribute("lazy"))) return this.load();
      const near = new IntersectionObserver(
        (entries) => {
          if (!entries.some((entry) => entry.isIntersecting)) return;
          near.disconnect();
          this.load();
        },
        { rootMargin: "600px" },
      );
      near.observe(this.box);
      this.control.signal.addEventListener("abort", () => near.disconnect());
    }

    url(path, query) {
      const url = new URL(`api/v1/${encodeURIComponent(this.site)}/${path}`, SOURCE);
      if (query) url.search = new URLSearchParams({ article: this.article, ...query });
      return url.href;
    }

    read(query) {
      return read(this.url("feedback", query), this.control.signal);
    }

    // A form without a header of its own needs no preflight; `keepalive` carries a vote over the end of the page.
    post(path, fields) {
      const given = Object.entries({ article: this.article, reader: reader(), ...fields });
      const body = new URLSearchParams(given.filter(([, value]) => value != null));
      const signal = AbortSignal.timeout(PATIENCE_MS);
      return ask(this.url(path), { method: "POST", keepalive: path === "vote", body, signal });
    }

    async load() {
      const { question, conversation } = this;
      const mine = (question || conversation) && known() && this.post("mine").catch((trouble) => this.tell("mine", trouble));
      try {
        const data = await this.read({});
        if (!this.over) this.show(data);
      } catch (trouble) {
        this.tell("load", trouble);
        if (question) this.learn({});
        if (conversation) conversation.fail(trouble);
      }
      const own = await mine;
      if (!own || this.over) return;
      if (question) question.restore(own.vote);
      if (conversation.heading) this.use(({ restore }) => restore(conversation, own.comments));
    }

    learn(settings) {
      this.settings = settings;
      if (this.question) this.question.learn(settings);
    }

    show({ article, votes, comments, settings }) {
      this.refused = settings.origins && !settings.origins.includes(location.origin);
      this.learn(settings);
      if (this.conversation) this.conversation.show(comments);
      if (this.refused) this.use(({ refuse }) => refuse(this, tools));
      if (this.footer) this.use(({ extras }) => this.footer.replaceChildren(extras(this, article, tools)));
      this.emit("ready", { votes, comments: comments.total });
    }

    /** Do something with the second script, where it can be had and there is still somebody to see it. */
    async use(act) {
      const kit = await more();
      if (kit && !this.over) return act(kit);
    }

    say(sentence) {
      this.status.textContent = sentence;
    }

    /** What went wrong, as a sentence for the reader. */
    sentence({ status, detail, wait }) {
      if (!status) return TEXT.lost;
      if (status !== 429) return detail || TEXT.failed;
      const minute = new Date(Date.now() + 60_000 + 1000 * wait);
      return fill(TEXT.busy, { time: minute.toLocaleTimeString(this.language, { timeStyle: "short" }) });
    }

    tell(during, { status, detail }) {
      this.emit("error", { during, status, detail });
    }

    emit(name, detail) {
      if (this.over) return;
      detail = { site: this.site, article: this.article, ...detail };
      this.element.dispatchEvent(new CustomEvent("feedback:" + name, { bubbles: true, composed: true, detail }));
    }
  }

  /** The question. A vote is shown at the click and travels behind it: one request at a time, the newest answer last. */
  class Question {
    vote = null; // what the reader sees: {value, reason, section, note}
    saved = null; // what the service has confirmed
    unsent = null; // fields that still have to travel
    followed = null; // the value whose follow-up is shown

    constructor(visit) {
      this.visit = visit;
      this.buttons = ["yes", "no"].map((value) => {
        const click = () => this.choose(value === this.vote?.value ? "none" : value);
        return button("vote " + value, TEXT[value], click, { value });
      });
      this.undo = button("link", TEXT.undo, () => this.takeBack());
      this.retry = button("chip", TEXT.retry, () => this.tryAgain());
      this.legend = h("legend", { class: "heading" }, TEXT.question);
      this.panel = h("div");
      this.node = h(
        "div",
        { class: "section question stack", pointerenter: more, focusin: more },
        h("fieldset", null, this.legend, h("div", { class: "row" }, ...this.buttons, this.undo)),
        h("div", { class: "row" }, visit.status, this.retry),
        this.panel,
      );
      this.draw();
    }

    draw() {
      const value = this.vote?.value;
      for (const button of this.buttons) button.ariaPressed = button.value === value;
      this.undo.hidden = !value;
      this.retry.hidden = this.sending || !this.unsent;
    }

    /** The settings have arrived: a site may ask in words and reasons of its own. */
    learn({ question, lang }) {
      this.legend.textContent = question || TEXT.question;
      this.legend.lang = lang ?? "en";
      this.follow();
    }

    restore(vote) {
      if (!vote || this.vote || this.unsent) return;
      this.vote = this.saved = vote;
      this.draw();
      this.follow();
    }

    choose(value) {
      this.cast({ value });
      this.visit.say(TEXT.answered[value]);
      this.follow(value === "no");
    }

    // The button just pressed is about to vanish: the focus goes to what takes its place.
    takeBack() {
      this.choose("none");
      this.buttons[0].focus();
    }

    tryAgain() {
      this.visit.say(TEXT.answered[this.unsent.value]);
      (this.buttons.find((button) => button.value === this.vote?.value) ?? this.buttons[0]).focus();
      this.send();
    }

    /** Show these fields at once and send them; resolves to what went wrong. A new value clears what came with the old. */
    cast(fields) {
      const value = fields.value ?? this.vote.value;
      const onto = (earlier) => ({ ...(earlier?.value === value && earlier), ...fields, value });
      this.vote = value === "none" ? null : onto(this.vote);
      this.unsent = onto(this.unsent);
      return this.send();
    }

    send() {
      this.sending ??= this.deliver().finally(() => {
        this.sending = null;
        this.draw();
      });
      this.draw();
      return this.sending;
    }

    async deliver() {
      while (this.unsent) {
        const fields = this.unsent;
        this.unsent = null;
        try {
          const { yours, votes } = await this.visit.post("vote", { ...page(), revision: this.visit.revision, ...fields });
          this.saved = yours;
          if (!this.unsent) this.vote = yours;
          const { note, ...answer } = yours ?? { value: "none" }; // the note is for the author, not for the page
          this.visit.emit("vote", { ...answer, votes });
        } catch (trouble) {
          this.fail(fields, trouble);
          return trouble;
        }
      }
    }

    fail(fields, trouble) {
      const newer = this.unsent;
      if (again(trouble)) this.unsent = newer && newer.value !== fields.value ? newer : { ...fields, ...newer };
      else this.vote = this.saved;
      this.visit.say(this.visit.sentence(trouble));
      this.visit.tell("vote", trouble);
      this.follow();
    }

    /** Offer what can be said beyond Yes and No, once the site's reasons are known. */
    follow(focus) {
      const value = this.vote?.value;
      if (!this.visit.settings || value === this.followed) return;
      this.followed = value;
      this.panel.replaceChildren();
      if (!value) return;
      this.visit.use(({ followUp }) => {
        if (this.followed !== value) return;
        this.panel.replaceChildren(followUp(this, tools));
        // Only for who is still there: a reader who has moved on is not called back.
        if (focus && this.buttons.includes(this.node.getRootNode().activeElement)) this.panel.firstChild.focus();
      });
    }
  }

  /** The comments and the form. Threads have two levels: an answer to an answer stands in the same thread. */
  class Conversation {
    constructor(visit) {
      this.visit = visit;
      this.node = h("div", { class: "section comments", tabindex: -1 });
      this.wait();
    }

    wait() {
      this.shown = new Map(); // a comment's id → its element
      this.threads = new Map(); // a comment's id → the list that answers to it go to
      this.list = h("ol", { class: "list" });
      this.set(h("p", { class: "hint loading" }, TEXT.loading));
    }

    set(...nodes) {
      const heading = h("h2", { class: "heading" }, TEXT.write);
      this.node.replaceChildren(h("div", { class: "stack" }, this.open !== false && heading, ...nodes));
    }

    fail({ detail }) {
      const retry = () => {
        this.wait();
        this.node.focus();
        this.visit.load();
      };
      this.set(
        h("p", { class: "error" }, TEXT.unloaded, " ", detail),
        h("div", null, button("chip", TEXT.retry, retry)),
      );
    }

    show({ open, total, items, next }) {
      this.open = open && !this.visit.refused;
      this.complete = !next;
      this.total = total;
      this.heading = h("h3", { class: "heading" });
      this.set(
        this.open && this.form(),
        this.heading,
        !open && h("p", { class: "hint" }, TEXT.closed),
        this.list,
        this.open && h("p", { class: "hint empty" }, TEXT.empty),
      );
      this.add(items, {}, next, this.list);
      this.count(0);
    }

    count(more) {
      this.total += more;
      this.heading.textContent = fill(TEXT.heading, { n: this.total });
    }

    /** Add a page of comments after `list`, and behind it the way to the next page; returns the first one's element. */
    add(items, query, cursor, list) {
      const [first] = items.map((item) => this.place(item));
      if (cursor) this.offer({ ...query, cursor }, list);
      return first;
    }

    offer(query, list) {
      const turn = () => this.visit.use(({ turn }) => turn(this, { query, list, line }, tools));
      const line = h("div", { class: "row" }, button("chip", query.parent ? TEXT.moreReplies : TEXT.more, turn));
      list.after(line);
    }

    /** Put a comment in its place, once; returns its element. */
    place(comment, first) {
      const { id, parent, gone, state } = comment;
      if (this.shown.has(id)) return this.shown.get(id);
      const thread = this.threads.get(parent);
      const replies = thread ?? h("ol", { class: "list" });
      const article = this.draw(comment);
      const item = h("li", null, article, !thread && replies);
      const opener = (act) => this.opener(act, comment, article);
      // Only one's own has a state: what is one's own is not flagged.
      if (!gone && state !== "pending") article.append(h("div", { class: "row" }, this.open && opener("reply"), !state && opener("flag")));
      this.shown.set(id, article);
      this.threads.set(id, replies);
      (thread ?? this.list)[first && !thread ? "prepend" : "append"](item);
      this.add(comment.replies ?? [], { parent: id }, comment.more, replies);
      return article;
    }

    opener(act, { id, name }, article) {
      const open = () => this.visit.use((kit) => kit[act](this, { id, article, opener }, tools));
      const label = fill(TEXT[act + "To"], { name: name || TEXT.anonymous });
      const opener = button("link " + act, TEXT[act], open, { "aria-label": label });
      return opener;
    }

    draw({ name, staff, pinned, state, created, edited, html, gone }) {
      const badge = (text) => text && h("span", { class: "badge" }, text);
      const when = new Date(created);
      const format = (options) => when.toLocaleString(this.visit.language, options);
      const exact = format({ dateStyle: "full", timeStyle: "short" });
      return h(
        "article",
        { class: "comment", tabindex: -1 },
        h(
          "header",
          null,
          h("b", { class: "name" }, h("bdi", null, name || TEXT.anonymous)),
          badge(staff),
          badge(pinned && TEXT.pinned),
          h("time", { class: "date", datetime: created, title: exact }, format({ dateStyle: "long" })),
          edited && h("span", { class: "hint" }, TEXT.edited),
          badge(state === "pending" && TEXT.waiting),
        ),
        h("div", { class: "text", dir: "auto", lang: this.visit.settings.lang }, gone ? TEXT[gone] : build(html)),
      );
    }

    /** A form for a comment or, with `parent`, for an answer to it; `close` takes the answer's form away again. */
    form(parent, close) {
      const { guidelines, notice } = this.visit.settings;
      const box = { class: "field", dir: "auto" };
      const line = (kind, text) => h("p", { class: kind, id: unique(), tabindex: -1 }, text);
      const [hint, counter, error] = [line("hint", TEXT.hint), line("hint"), line("error")];
      const described = (...lines) => ({ ...box, "aria-describedby": lines.map(({ id }) => id).join(" ") });
      let ready;

      // What a form does comes with the second script, asked for when the reader turns to the form.
      const attend = async () => {
        const opened = performance.now();
        ready ??= this.visit.use(({ attend }) => attend(this, { form, counter, error, parent, close, opened }, tools));
        const send = await ready;
        ready = send && ready;
        return send;
      };
      const submit = async (event) => {
        event.preventDefault();
        const send = await attend();
        if (send) send();
        else error.textContent = TEXT.lost;
      };

      const form = h(
        "form",
        { class: "form stack", submit, focusin: attend },
        !parent && guidelines && h("p", { class: "guide" }, guidelines),
        !parent && notice && h("p", { class: "guide notice" }, notice),
        h("label", null, parent ? TEXT.answer : TEXT.body, h("textarea", { name: "body", required: "", ...described(hint, counter, error) })),
        counter,
        hint,
        error,
        h(
          "div",
          { class: "row end" },
          h("label", null, TEXT.name, h("input", { name: "name", autocomplete: "name", ...described(error) })),
          h("button", { class: "primary" }, parent ? TEXT.sendReply : TEXT.send),
          close && button("other", TEXT.cancel, close),
        ),
        // A trap for machines, which fill in what people neither see nor hear.
        h("label", { class: "trap", "aria-hidden": true }, "Website", h("input", { name: "website", tabindex: -1, autocomplete: "off" })),
      );
      return form;
    }
  }

  let kit;
  let suffix = "";
  const more = () =>
    (kit ??= import(new URL("widget-more.js" + suffix, SOURCE).href).catch(() => {
      suffix += "?"; // the next time under another address: some browsers remember a failure
      kit = null;
    }));
  const tools = { h, button, fill, unique, random, page, again };

  class ArticleFeedback extends HTMLElement {
    static observedAttributes = ["site", "article", "revision", "show", "sections", "lazy", "lang"];

    connectedCallback() {
      this.renew();
    }

    disconnectedCallback() {
      this.visit.control.abort();
      this.visit = null;
    }

    // A framework sets attributes one by one: they are answered together.
    attributeChangedCallback(name, before, after) {
      if (before === after || !this.visit || this.due) return;
      this.due = true;
      queueMicrotask(() => {
        this.due = false;
        if (this.visit) this.renew();
      });
    }

    renew() {
      this.visit?.control.abort();
      const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      this.visit = new Visit(this);
      root.replaceChildren(this.visit.box);
      this.visit.start();
    }
  }

  customElements.define(NAME, ArticleFeedback);
})();
