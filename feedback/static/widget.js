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
  const DRAFTS = "feedback:drafts";
  const PATIENCE_MS = 20_000; // after this a silent connection counts as lost, and the reader may try again
  const DEEPEST = 40; // nested elements in one comment: beyond it they are flattened, so that no answer can hang a page
  const LANGUAGES = /^(de|fr|es|pt|it|nl|pl|tr|ar|zh|ja)\b/i;
  const PERMALINK = "#comment-"; // and the comment's id

  // All that a reader can see, in one table. Other languages are tables of the same names, fetched where one is needed.
  const TEXT = {
    question: "Did this article help you?",
    yes: "Yes",
    no: "No",
    undo: "Undo",
    retry: "Try again",
    yesThanks: "Thank you. We are glad it helped.",
    noThanks: "Thank you. What would have helped you?",
    noneThanks: "Your answer was taken back.",
    lost: "The connection was lost. What you entered is still here.",
    failed: "That did not work.",
    write: "Leave a comment",
    body: "Your comment",
    name: "Your name (optional)",
    send: "Send comment",
    like: "Like",
    likeTo: "Like what {name} wrote",
    likes: { one: "{n} like", other: "{n} likes" },
    reply: "Reply",
    replyTo: "Reply to {name}",
    flag: "Flag",
    flagTo: "Flag what {name} wrote",
    heading: "Comments ({n})",
    sort: "Sort",
    loading: "Loading comments …",
    unloaded: "The comments could not be loaded.",
    empty: "No comments yet. Yours would be the first.",
    closed: "Comments are closed here.",
    threadClosed: "This thread is closed.",
    more: "Show more comments",
    moreReplies: "Show more replies",
    anonymous: "A reader",
    author: "Author",
    reviewer: "Reviewer",
    moderator: "Moderator",
    administrator: "Team",
    pinned: "Pinned",
    edited: "edited",
    editedBy: "edited by a moderator",
    waiting: "Waiting for moderation",
    withdrawn: "Withdrawn by its author.",
    removed: "Removed.",
    data: "Your data",
  };
  const tables = { en: { dir: "ltr", widget: TEXT, more: {} } };

  /* Looks. Custom properties: --feedback-font, -font-size, -text, -muted, -background, -field, -line, -accent,
   * -on-accent, -wash, -danger, -radius, -padding. Every class is also a ::part(): box, section, question, comments, footer,
   * heading, figure, changed, vote, yes, no, chip, primary, other, link, status, followup, field, notice, guide, hint, error, form,
   * list, comment, name, date, badge, text, like, reply, flag, edit, withdraw, sort, order, preview, pick, sure, data,
   * stored, byline, share, print (row and stack are for the inside).
   * `all: initial` stands on the box, not on the host: a page's rules reach the host whatever it says.
   */
  const STYLE = `
:host{display:block}
:host([hidden]),[hidden]{display:none!important}
.box{all:initial;display:block;color-scheme:light dark;
--text:var(--feedback-text,light-dark(#222,#eee));
--muted:var(--feedback-muted,light-dark(#556,#aab));
--field:var(--feedback-field,light-dark(#fff,#111));
--line:var(--feedback-line,light-dark(#ddd,#344));
--edge:#788;
--accent:var(--feedback-accent,light-dark(#156270,#8cd));
--on-accent:var(--feedback-on-accent,light-dark(#fff,#122));
--wash:var(--feedback-wash,light-dark(#eee,#233));
--danger:var(--feedback-danger,light-dark(#a22,#f98));
--radius:var(--feedback-radius,10px);
padding:var(--feedback-padding,clamp(1.1rem,5%,2rem));border:1px solid var(--line);border-radius:var(--radius);
background:var(--feedback-background,light-dark(#fff,#1b1f23));color:var(--text);
font-family:var(--feedback-font,inherit);font-size:var(--feedback-font-size,max(16px,1em));line-height:1.55;overflow-wrap:anywhere}
:host([theme=light]) .box{color-scheme:light}
:host([theme=dark]) .box{color-scheme:dark}
*{box-sizing:border-box}
p,h2,h3,legend,fieldset,.list{margin:0;padding:0;border:0;min-inline-size:0}
h2,h3,legend{font-size:1.2em;font-weight:600;line-height:1.3}
form+.row{margin-block-start:1.2em}
.hint,time{color:var(--muted);font-size:.875em}
.row{display:flex;flex-wrap:wrap;gap:.5em .6em;align-items:center}
.stack{display:grid;align-content:start;gap:.8em;grid-template-columns:minmax(0,1fr)}
.section~.section{margin-block-start:1.7em;padding-block-start:1.7em;border-block-start:1px solid var(--line)}
legend{margin-block-end:.7em}
.question{min-block-size:10.3em}
.footer:empty{min-block-size:6.5em}
.loading{min-block-size:24em}
button,input,textarea{font:inherit;color:inherit;border:1px solid var(--edge);border-radius:calc(var(--radius)*.7);background:var(--field)}
button{min-block-size:2.5em;padding:.3em 1.1em;cursor:pointer}
button:hover{border-color:var(--accent)}
.vote,.chip{border-radius:2em}
.vote{min-inline-size:5.8em;font-weight:600}
.chip{min-block-size:2em;padding-block:0}
[aria-pressed=true]::before{content:"✓ "/""}
.primary,[aria-pressed=true]{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.primary{font-weight:600}
.link{justify-self:start;min-block-size:1.9em;padding:0 .3em;margin-inline:-.3em;border-color:transparent;background:none;color:var(--accent);text-decoration:underline}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
label{display:block;font-weight:600}
label>*{display:block;inline-size:100%;min-block-size:2.5em;margin-block-start:.3em;padding:.4em .6em;font-weight:400}
.row>label{flex:1 12em}
.end{align-items:end}
textarea{min-block-size:6em;resize:vertical}
.error{color:var(--danger)}
.stack>:empty,.row>span:empty{display:none}
.notice{padding:.7em 1em;border-radius:var(--radius);background:var(--wash)}
.guide{white-space:pre-line}
.trap{position:absolute;clip-path:inset(50%)}
.list{list-style:none}
.list>li+li{margin-block-start:1.3em;padding-block-start:1.3em;border-block-start:1px solid var(--line)}
.list .list{margin-block:1em .6em;padding-inline-start:1em;border-inline-start:2px solid var(--line)}
.list .list>li+li{padding:0;border:0}
.list .list:empty,.list:not(:empty)~.empty{display:none}
.badge{padding:0 .6em;border-radius:1em;background:var(--wash);color:var(--accent);font-size:.875em;font-weight:600}
.text *{margin:0 0 .6em}
a{color:var(--accent)}
.text :is(ul,ol){padding-inline-start:1.5em}
blockquote{padding-inline-start:.9em;border-inline-start:3px solid var(--line);color:var(--muted)}
pre{white-space:pre-wrap}
@media print{.question,form,button,h2{display:none!important}}
`;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);

  // ---- Nodes

  /** Return an element, named "tag.class". A function listens, a missing value is left out, a class is a part as well. */
  function h(tag, attributes, ...children) {
    const [name, kind] = tag.split(".");
    const node = document.createElement(name);
    if (kind) node.className = node.part = kind;
    for (const name in attributes) {
      const value = attributes[name];
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value != null) node.setAttribute(name, value);
    }
    node.append(...children.flat().filter(Boolean));
    return node;
  }

  const button = (kind, label, click, attributes) => h("button." + kind, { type: "button", click, ...attributes }, label);

  const ALLOWED = /^(p|br|em|strong|code|pre|blockquote|ul|ol|li|a)$/;
  const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  const TOKEN = /<(\/?)([a-z]+)((?: [a-z]+="[^"]*")*) ?\/?>|[^<]+|</g;
  const LINK = / href="((https?:\/\/|mailto:)[^"]*)/;

  const decode = (text) => text.replace(/&(#?\w+);/g, (entity, name) => ENTITIES[name] ?? entity);

  /** Rebuild the service's clean HTML node by node. What is not on the list stands as the characters it is made of. */
  function build(html) {
    const open = [document.createDocumentFragment()];
    for (const [token, closing, tag, attributes] of html.matchAll(TOKEN)) {
      const parent = open.at(-1);
      if (!ALLOWED.test(tag)) parent.append(decode(token));
      else if (!closing) {
        const node = h(tag, tag === "a" && link(attributes));
        parent.append(node);
        if (tag !== "br" && open.length < DEEPEST) open.push(node);
      } else if (parent.localName === tag) open.pop();
    }
    return open[0];
  }

  const link = (attributes) => ({ rel: "nofollow ugc noopener", href: decode(attributes.match(LINK)?.[1] ?? "") || null });

  // ---- The reader

  const memory = {}; // the token where the browser refuses to keep it

  // 132 random bits, of which less than one is lost with the signs that an address does not take.
  const random = () =>
    btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(17))))
      .replace(/\W/g, "_")
      .slice(0, 22);

  /** Return what the browser keeps, or nothing where it refuses. */
  function kept(storage, key) {
    try {
      return window[storage].getItem(key);
    } catch {
      // Storage is refused: what would be kept lives as long as the page.
    }
  }

  function known() {
    const token = kept("localStorage", STORED_UNDER);
    return /^[\w-]{22}$/.test(token) ? token : memory.token;
  }

  function reader() {
    memory.token = known() ?? random();
    try {
      localStorage.setItem(STORED_UNDER, memory.token);
    } catch {
      // As above.
    }
    return memory.token;
  }

  // ---- The page

  /** The canonical address's path and query, with escapes written the one way that RFC 3986 prefers. */
  function keyOfPage() {
    const { pathname, search } = URL.parse(document.querySelector('link[rel="canonical"]')?.href) ?? location;
    return (pathname + search).replace(/%[\da-f]{2}/gi, (code) => {
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
    title: document.title.trim().slice(0, 300),
    url: location.href.split("#")[0].slice(0, 2000),
  });

  // ---- The service

  /** Return the answer's JSON, or throw {status, detail, errors}; status 0 means that no answer came. */
  async function ask(url, options) {
    let answer = { status: 0 };
    let data;
    try {
      answer = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS), ...options });
      data = await answer.json();
      if (answer.ok) return data;
    } catch {
      // No connection, or an answer that is not the service's.
    }
    throw { ...data, status: answer.ok ? 0 : answer.status };
  }

  const again = ({ status }) => !status || status === 429 || status > 499;

  const asked = new Map(); // address → the question under way: several elements of one article on a page ask once

  /** Read an address once for all who ask while the answer is on its way; who leaves lets the next one ask anew. */
  function read(url, signal) {
    const forget = () => asked.delete(url);
    if (!asked.has(url)) asked.set(url, ask(url).finally(forget));
    signal.addEventListener("abort", forget);
    return asked.get(url);
  }

  // ---- Words

  const UNITS = { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800, month: 2629800, year: 31557600 }; // in seconds

  /** How long ago a time was, in the largest unit that it fills. */
  function ago(time, language) {
    const seconds = Math.max(1, (Date.now() - new Date(time)) / 1000);
    const [unit, size] = Object.entries(UNITS).findLast(([, size]) => seconds >= size);
    return new Intl.RelativeTimeFormat(language).format(-Math.trunc(seconds / size), unit);
  }

  /** One article shown in one element, from connecting (or a changed attribute) to the next change or removal. */
  class Visit {
    control = new AbortController();

    constructor(element, root) {
      const of = (name) => element.getAttribute(name);
      this.element = element;
      this.root = root;
      this.site = of("site") ?? "";
      this.article = of("article") || keyOfPage();
      this.revision = (of("revision") || revisionOfPage())?.trim().slice(0, 64);
      this.parts = of("show") || "vote comments";
      this.language = LANGUAGES.exec(element.closest("[lang]")?.lang)?.[1].toLowerCase() ?? "en";
    }

    get over() {
      return this.control.signal.aborted;
    }

    start() {
      if (tables[this.language]) this.draw();
      else this.root.replaceChildren(h("slot")); // what the page put inside, until the language is here
      const near = new IntersectionObserver(
        (entries) => {
          if (!entries.at(-1).isIntersecting) return;
          near.disconnect();
          this.load();
        },
        { rootMargin: "600px" },
      );
      if (this.element.getAttribute("lazy") === "off") this.load();
      else near.observe(this.element);
      const clock = setInterval(() => this.tick(), 60_000);
      this.control.signal.onabort = () => {
        near.disconnect();
        clearInterval(clock);
      };
      addEventListener("hashchange", () => this.seek(), this.control);
      this.seek();
    }

    /** Go to the comment that the page's address names. */
    async seek() {
      const id = location.hash.split(PERMALINK)[1];
      if (!id) return;
      await this.load();
      if (this.conversation?.heading) this.use("seek", this.conversation, id);
    }

    /** Let the dates grow. */
    tick() {
      for (const time of this.root.querySelectorAll(".date")) time.textContent = ago(time.dateTime, this.language);
    }

    load() {
      return (this.loading ??= this.fetch());
    }

    draw() {
      const shows = (part) => this.parts.includes(part);
      this.texts = structuredClone(tables[this.language]);
      this.text = this.texts.widget;
      this.status = h("p.status", { role: "status" });
      this.question = shows("vote") ? new Question(this) : null;
      this.conversation = shows("comments") ? new Conversation(this) : null;
      // Where the element is but a byline, what the page put inside it stands until the names are known.
      this.footer = /byline|share|print/.test(this.parts) && h("div.section footer", null, !this.question && !this.conversation && h("slot"));
      this.box = h(
        "div.box",
        { lang: this.language, dir: this.texts.dir },
        this.footer,
        this.question?.node ?? this.status,
        this.conversation?.node,
      );
      this.root.replaceChildren(this.box);
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
      const given = Object.entries({ article: this.article, reader: reader(), lang: this.language, ...fields });
      const body = new URLSearchParams(given.filter(([, value]) => value != null));
      return ask(this.url(path), { method: "POST", keepalive: path === "vote", body });
    }

    async fetch() {
      const answer = this.read({});
      answer.catch(() => {}); // which is told below
      if (!this.box) {
        await import(new URL(`widget-${this.language}.js`, SOURCE)).then(
          (module) => (tables[this.language] = module.default),
          () => (this.language = "en"), // rather than nothing at all
        );
        if (this.over) return;
        this.draw();
      }
      const { question, conversation } = this;
      const mine = (question || conversation) && known() && this.post("mine").catch((trouble) => this.tell("mine", trouble));
      try {
        const data = await answer;
        if (!this.over) await this.show(data);
      } catch (trouble) {
        this.loading = null; // the next one may get through
        this.settings = {};
        this.tell("load", trouble);
        question?.follow(question.draw());
        conversation?.fail(trouble);
      }
      const own = await mine;
      if (own) await this.use("restore", this, own);
    }

    async show(data) {
      const { question, conversation } = this;
      const { article, votes, comments, settings } = data;
      this.settings = settings;
      this.refused = settings.origins?.includes(location.origin) === false;
      if (settings.texts || settings.figure || article.changed) await this.use("settle", this, data);
      question?.follow(question.draw());
      conversation?.show(comments);
      if (this.refused) this.use("refuse", this);
      if (this.footer) this.use("extras", this, article);
      if (question || conversation) this.box.append(h("div.section", null, button("link data", this.text.data, () => this.use("data", this))));
      this.emit("ready", { votes, comments: comments.total });
    }

    /** Do something with the second script, where it can be had and there is still somebody to see it. */
    async use(act, ...given) {
      const kit = await more();
      if (this.over) return;
      if (kit) return kit[act](...given, tools);
      this.say(this.text.lost);
      this.tell(act, { status: 0 });
    }

    say(sentence) {
      this.status.textContent = sentence;
    }

    /** Fill a sentence in. One that depends on the number `n` has a form for each of the language's plurals. */
    fill(sentence, values) {
      const form = sentence[new Intl.PluralRules(this.language).select(values.n)] ?? sentence.other ?? sentence;
      return form.replace(/{(\w+)}/g, (_, name) => values[name].toLocaleString(this.language));
    }

    /** What went wrong, as a sentence for the reader. */
    sentence({ status, detail }) {
      return status ? detail || this.text.failed : this.text.lost;
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
    // and `saved`, what the service has confirmed: null for no answer, undefined until it has answered
    unsent = null; // fields that still have to travel
    followed = null; // the value whose follow-up is shown
    stale = false; // the vote is about an earlier text: the question is asked anew

    constructor(visit) {
      this.visit = visit;
      this.buttons = ["yes", "no"].map((value) => {
        const click = () => this.choose(value === this.value ? "none" : value);
        return button("vote " + value, "", click, { value });
      });
      this.undo = button("link", "", () => this.choose("none"));
      this.retry = button("chip", "", () => this.tryAgain());
      this.legend = h("legend.heading", { dir: "auto" });
      this.panel = h("div");
      this.node = h(
        "div.section question stack",
        { pointerenter: more, focusin: more },
        h("fieldset", null, this.legend, h("div.row", null, ...this.buttons, this.undo)),
        h("div.row", null, visit.status, this.retry),
        this.panel,
      );
      this.draw();
    }

    get value() {
      return this.stale ? null : this.vote?.value;
    }

    draw() {
      const { text, settings, language } = this.visit;
      for (const button of this.buttons) {
        button.ariaPressed = button.value === this.value;
        button.textContent = text[button.value];
      }
      // Without an answer what came with it vanishes: the focus must not vanish with it.
      this.vote || (this.node.querySelector(":not(.vote):focus") && this.buttons[0].focus());
      this.undo.textContent = text.undo;
      this.undo.hidden = !this.vote;
      this.retry.textContent = text.retry;
      this.retry.hidden = this.sending || !this.unsent;
      // Where the site has not worded the question, it is asked in the reader's language.
      const own = settings?.question !== TEXT.question && settings;
      this.legend.textContent = own?.question || text.question;
      this.legend.lang = own?.lang || language;
    }

    choose(value) {
      this.cast({ value });
      this.visit.say(this.visit.text[value + "Thanks"]);
      this.follow(value === "no");
    }

    tryAgain() {
      this.buttons[0].focus();
      this.choose(this.unsent.value);
    }

    /** Show these fields at once and send them; resolves to what went wrong. A new value clears what came with the old. */
    cast(fields) {
      const value = fields.value ?? this.vote.value;
      const onto = (earlier) => ({ ...(earlier?.value === value && earlier), ...fields, value });
      this.vote = value === "none" ? null : onto(this.vote);
      this.unsent = onto(this.unsent);
      this.stale = false;
      return this.send();
    }

    send() {
      this.sending ??= this.deliver();
      this.draw();
      return this.sending;
    }

    async deliver() {
      let trouble;
      while (this.unsent && !trouble) {
        const fields = this.unsent;
        this.unsent = null;
        try {
          const { yours, votes } = await this.visit.post("vote", { ...page(), revision: this.visit.revision, ...fields });
          this.saved = yours;
          if (!this.unsent) this.vote = yours;
          const { note, ...answer } = yours ?? { value: "none" }; // the note is for the author, not for the page
          this.visit.emit("vote", { ...answer, votes });
        } catch (error) {
          trouble = error;
          this.fail(fields, trouble);
        }
      }
      this.sending = null;
      this.draw();
      this.follow();
      return trouble;
    }

    fail(fields, trouble) {
      const newer = this.unsent;
      if (again(trouble)) this.unsent = newer && newer.value !== fields.value ? newer : { ...fields, ...newer };
      else this.vote = this.saved;
      this.visit.say(this.visit.sentence(trouble));
      this.visit.tell("vote", trouble);
    }

    /** Offer what can be said beyond Yes and No, once the site's reasons are known. */
    follow(focus) {
      const { value } = this;
      if (!this.visit.settings || value == this.followed) return;
      this.followed = null;
      this.panel.replaceChildren();
      if (value) this.visit.use("followUp", this, focus);
    }
  }

  /** The comments and the form. Threads have two levels: an answer to an answer stands in the same thread. */
  class Conversation {
    constructor(visit) {
      this.visit = visit;
      this.node = h("div.section comments", { tabindex: -1 });
      this.wait();
    }

    wait() {
      this.clear();
      this.set(h("p.hint loading", null, this.visit.text.loading));
    }

    clear() {
      this.shown = new Map(); // a comment's id → its element
      this.threads = new Map(); // a comment's id → the list that answers to it go to
      this.list = h("ol.list");
    }

    set(...nodes) {
      const heading = h("h2.heading", null, this.visit.text.write);
      this.node.replaceChildren(h("div.stack", null, this.open !== false && heading, ...nodes));
    }

    fail({ detail }) {
      const { text } = this.visit;
      const retry = () => {
        this.wait();
        this.node.focus();
        this.visit.load();
      };
      this.set(h("p.error", null, text.unloaded, " ", detail), h("div", null, button("chip", text.retry, retry)));
    }

    show({ open, total, items, next }) {
      const { text, refused } = this.visit;
      this.open = open && !refused;
      this.complete = !next;
      this.total = total;
      this.heading = h("h3.heading");
      this.set(
        this.open && this.form(),
        h("div.row", null, this.heading, total > 1 && button("link sort", text.sort, () => this.visit.use("sort", this))),
        !open && h("p.hint", null, text.closed),
        this.list,
        this.open && h("p.hint empty", null, text.empty),
      );
      this.add(items, {}, next, this.list);
      this.count(0);
    }

    count(more) {
      this.total += more;
      this.heading.textContent = this.visit.fill(this.visit.text.heading, { n: this.total });
    }

    /** Add a page of comments after `list`, and behind it the way to the next page; returns the first one's element. */
    add(items, query, cursor, list) {
      const [first] = items.map((item) => this.place(item));
      if (cursor) this.offer({ ...query, cursor }, list);
      return first;
    }

    offer(query, list) {
      const { text } = this.visit;
      const turn = () => this.visit.use("turn", this, { query, list, line });
      const line = h("div.row", null, button("chip", query.parent ? text.moreReplies : text.more, turn, { "aria-expanded": query.parent && false }));
      list.after(line);
    }

    /** Put a comment in its place, once; returns its element. */
    place(comment, first) {
      const { id, parent } = comment;
      if (this.shown.has(id)) return this.shown.get(id);
      const thread = this.threads.get(parent);
      const replies = thread ?? h("ol.list");
      replies.closed ||= comment.closed;
      this.threads.set(id, replies);
      const item = h("li", null, this.draw(comment), !thread && replies);
      (thread ?? this.list)[first && !thread ? "prepend" : "append"](item);
      this.add(comment.replies ?? [], { parent: id }, comment.more, replies);
      return this.shown.get(id);
    }

    /** Return a new element for a comment. Only one's own has a state: it is neither liked nor flagged. */
    draw(comment) {
      const { id, name, staff, pinned, state, created, edited, html, gone, likes, closed } = comment;
      const { text, language, settings } = this.visit;
      const opener = (act, attributes) => {
        const label = this.visit.fill(text[act + "To"], { name: name || text.anonymous });
        const open = () => this.visit.use(act, this, { comment, article, opener });
        const opener = button("link " + act, text[act], open, { "aria-label": label, ...attributes });
        return opener;
      };
      const badge = (text) => text && h("span.badge", null, text);
      const exact = new Date(created).toLocaleString(language, { dateStyle: "full", timeStyle: "short" });
      const article = h(
        "article.comment",
        { tabindex: -1 },
        h(
          "header.row",
          null,
          h("b.name", { dir: "auto" }, name || text.anonymous),
          badge(text[staff]),
          badge(pinned && text.pinned),
          h("a", { href: PERMALINK + id }, h("time.date", { datetime: created, title: exact }, ago(created, language))),
          edited && h("span.hint", null, comment.edited_by ? text.editedBy : text.edited),
        ),
        h("div.text", { dir: "auto", lang: gone ? language : settings.lang }, gone ? text[gone] : build(html)),
        h(
          "div.row",
          null,
          !gone && state !== "pending" && [
            !state && opener("like", { "aria-pressed": false }),
            h("span.hint", null, likes && this.visit.fill(text.likes, { n: likes })),
            this.open && !this.threads.get(id).closed && opener("reply"),
            !state && opener("flag"),
          ],
          closed && h("span.hint", null, text.threadClosed),
        ),
      );
      this.shown.set(id, article);
      return article;
    }

    /** A form for a comment. What it does comes with the second script, asked for when the reader turns to it. */
    form() {
      const { settings, text } = this.visit;
      const { guidelines, notice, lang } = settings;
      const attend = () => {
        form.opened ??= performance.now();
        return this.visit.use("attend", this, form);
      };
      const submit = async (event) => {
        event.preventDefault();
        (await attend())?.();
      };
      const guide = (kind, sentence) => sentence && h("p." + kind, { lang, dir: "auto" }, sentence);
      const form = h(
        "form.form stack",
        { submit },
        guide("guide", guidelines),
        guide("guide notice", notice),
        h("label", null, text.body, h("textarea.field", { focus: attend, name: "body", required: "", dir: "auto" })),
        h(
          "div.row end",
          null,
          h("label", null, text.name, h("input.field", { focus: attend, name: "name", autocomplete: "name", dir: "auto" })),
          h("button.primary", null, text.send),
        ),
        // A trap for machines, which fill in what people neither see nor hear.
        h("label.trap", { "aria-hidden": true }, "Website", h("input", { name: "website", tabindex: -1, autocomplete: "off" })),
      );
      if (kept("sessionStorage", DRAFTS)) attend(); // which brings back what was typed
      return form;
    }
  }

  let kit;
  let suffix = "";
  const more = () =>
    (kit ??= import(new URL("widget-more.js" + suffix, SOURCE)).catch(() => {
      suffix += "?"; // the next time under another address: some browsers remember a failure
      kit = null;
    }));
  const tools = { h, button, build, ask, known, memory, random, page, again };

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
    async attributeChangedCallback(name, before, after) {
      const { visit } = this;
      if (before === after || !visit) return;
      await null;
      if (this.visit === visit) this.renew();
    }

    renew() {
      this.visit?.control.abort();
      const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      this.visit = new Visit(this, root);
      this.visit.start();
    }
  }

  customElements.define(NAME, ArticleFeedback);
})();
