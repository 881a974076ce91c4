/* What <article-feedback> needs at first use alone: what follows an answer, what a comment form does, and the bylines,
 * share and print buttons of an article's footer. widget.js imports it and hands in its own tools.
 */

const TEXT = {
  about: "About your answer",
  reasons: "What was the problem?",
  section: "Which part of the article?",
  anywhere: "The whole article",
  note: "A note to the author",
  privately: "Only the author and reviewers read this.",
  sendNote: "Send note",
  leaveNote: "Leave a note for the author",
  changeNote: "Change your note",
  saved: "Thank you. The author will see this.",
  noteSent: "Thank you. Your note was sent to the author.",
  left: "{n} characters left",
  over: "{n} characters too many",
  retry: "Try again",
  waits: "Thank you. Your comment waits for moderation; until then only you can see it.",
  published: "Thank you. Your comment is published.",
  origin: "This page ({origin}) is not on the list of pages that may use this feedback service.",
  flagging: "What is wrong with this comment?",
  spam: "Advertising",
  abuse: "Unkind or hateful",
  unsafe: "Could harm somebody",
  personal: "Personal details",
  other: "Something else",
  flagNote: "Anything to add? (optional)",
  flagHint: "Only moderators and reviewers read this.",
  sendFlag: "Send",
  cancel: "Cancel",
  thanks: "Thank you. The moderators will look at it.",
  flagged: "Flagged",
  author: "Written by",
  reviewer: "Reviewed by",
  share: "Share this post",
  print: "Print",
  copied: "The link was copied.",
  copyThis: "Copy this link: {url}",
};

const SETTLE_MS = 400; // arrow keys walk through a closed list: only where they stop is sent
const COUNT_FROM = 0.8; // of the longest comment: until then a counter only distracts
const MAX_ID_CHARS = 255; // what the service takes
const MAX_HEADING_CHARS = 80; // a longer one is cut in the list of sections

// ---- After the answer

/** Return what follows an answer: after No reasons, a section and a note; after Yes a note, for who wants to leave one. */
export function followUp(question, tools) {
  const { h } = tools;
  const { value, note } = question.vote;
  if (value === "yes") return h("div", { class: "stack" }, noteBox(question, tools, false));
  return h(
    "div",
    { class: "followup stack", tabindex: -1, role: "group", "aria-label": TEXT.about },
    reasons(question, tools),
    sections(question, tools),
    noteBox(question, tools, !note),
  );
}

function reasons(question, { h, button }) {
  const { reasons: offered, lang } = question.visit.settings;
  if (!offered?.length) return null;
  const chips = offered.map(({ code, label }) => button("chip", label, () => choose(code), { value: code }));
  const draw = () => {
    for (const chip of chips) chip.ariaPressed = chip.value === question.vote.reason;
  };
  const choose = (code) => {
    question.cast({ reason: code === question.vote.reason ? "" : code });
    question.visit.say(TEXT.saved);
    draw();
  };
  draw();
  return h("fieldset", { lang }, h("legend", { class: "heading" }, TEXT.reasons), h("div", { class: "row" }, ...chips));
}

function sections(question, { h }) {
  const { element } = question.visit;
  const scope = element.closest("article, main") ?? document.querySelector("article, main") ?? document;
  const fits = ({ id }) => id && id.length <= MAX_ID_CHARS;
  let headings = [];
  try {
    headings = [...scope.querySelectorAll(element.getAttribute("sections") || "h2[id], h3[id]")].filter(fits);
  } catch (error) {
    console.warn("<article-feedback>: the attribute `sections` is not a selector.", error);
  }
  if (!headings.length) return null;
  const options = headings.map(({ id, textContent }) => {
    const title = textContent.trim();
    const short = title.length > MAX_HEADING_CHARS ? title.slice(0, MAX_HEADING_CHARS) + "…" : title;
    return h("option", { value: id }, short);
  });
  let settle;
  const send = () => {
    clearTimeout(settle);
    // Changed or taken back meanwhile: then this list is about another answer.
    if (question.vote?.value !== "no" || select.value === (question.vote.section ?? "")) return;
    question.cast({ section: select.value });
    question.visit.say(TEXT.saved);
  };
  const change = () => {
    clearTimeout(settle);
    settle = setTimeout(send, SETTLE_MS);
  };
  const select = h("select", { class: "field", change, blur: send }, h("option", { value: "" }, TEXT.anywhere), ...options);
  select.value = question.vote.section ?? "";
  return h("label", null, TEXT.section, select);
}

/** A private note: the box itself when `open`, else the button that opens it. */
function noteBox(question, tools, open) {
  const swap = (next) => {
    node.replaceWith(next);
    (next.querySelector("textarea") ?? next).focus();
  };
  const label = question.vote.note ? TEXT.changeNote : TEXT.leaveNote;
  const click = () => swap(noteBox(question, tools, true));
  const closed = () => tools.button("link", label, click);
  const node = open ? noteForm(question, tools, () => swap(noteBox(question, tools, false))) : closed();
  return node;
}

function noteForm(question, { h, unique }, done) {
  const { visit } = question;
  const hint = h("p", { class: "hint", id: unique() }, TEXT.privately);
  const error = h("p", { class: "error", id: unique() });
  const described = hint.id + " " + error.id;
  const text = h("textarea", { class: "field", dir: "auto", required: "", "aria-describedby": described });
  text.value = question.vote.note ?? "";
  const submit = async (event) => {
    event.preventDefault();
    const trouble = await question.cast({ note: text.value });
    if (visit.over) return;
    error.textContent = trouble?.errors?.note?.join(" ") ?? "";
    text.toggleAttribute("aria-invalid", error.textContent);
    if (error.textContent) text.focus();
    if (trouble) return;
    visit.say(TEXT.noteSent);
    done();
  };
  return h(
    "form",
    { class: "stack", submit },
    h("label", null, TEXT.note, text),
    hint,
    error,
    h("div", { class: "row" }, h("button", { class: "primary" }, TEXT.sendNote)),
  );
}

// ---- Comment forms

/** Give a comment form its behaviour and return what sends it. */
export function attend(conversation, { form, counter, error, parent, close, opened }, tools) {
  const { visit } = conversation;
  const { body, name, website } = form.elements;
  const fields = { body, name };
  const button = form.querySelector(".primary");
  const label = button.textContent;
  const most = visit.settings.max_chars;
  let submission, sent, busy;

  const draw = () => {
    const left = most - [...body.value.normalize().trim()].length;
    const near = left < most * (1 - COUNT_FROM);
    counter.textContent = near ? tools.fill(left < 0 ? TEXT.over : TEXT.left, { n: Math.abs(left) }) : "";
    error.textContent = "";
    button.textContent = label;
    for (const field of [body, name]) field.removeAttribute("aria-invalid");
  };

  const fail = (trouble) => {
    const wrong = Object.keys(fields).find((field) => trouble.errors?.[field]);
    error.textContent = wrong ? trouble.errors[wrong].join(" ") : visit.sentence(trouble);
    if (wrong) fields[wrong].setAttribute("aria-invalid", true);
    if (tools.again(trouble)) button.textContent = TEXT.retry;
    (fields[wrong] ?? error).focus();
    visit.tell("comment", trouble);
  };

  const deliver = async () => {
    // The same text sent again is the same comment; a text changed since is another.
    if (sent !== body.value) [sent, submission] = [body.value, tools.random()];
    const { comment } = await visit.post("comments", {
      ...tools.page(),
      body: sent,
      name: name.value,
      parent,
      submission,
      website: website.value,
      opened: Math.round(performance.now() - opened),
    });
    if (visit.over) return;
    body.value = "";
    sent = null;
    draw();
    if (close) close();
    arrive(conversation, comment);
  };

  form.addEventListener("input", draw);
  return async () => {
    if (busy) return;
    busy = true;
    draw();
    form.setAttribute("aria-busy", true);
    await deliver().catch(fail);
    form.removeAttribute("aria-busy");
    busy = false;
  };
}

function arrive(conversation, comment) {
  const { visit } = conversation;
  const published = comment.state === "approved";
  conversation.count(published);
  conversation.place(comment, true).focus();
  visit.say(published ? TEXT.published : TEXT.waits);
  visit.emit("comment", { id: comment.id, parent: comment.parent, state: comment.state });
}

/** Show the reader's own: what waits, and what was published so lately that the shared answer does not know it yet. */
export function restore(conversation, comments) {
  const missing = ({ parent }) => conversation.complete && (!parent || conversation.threads.has(parent));
  for (const { id } of comments) conversation.shown.get(id)?.querySelector(".flag")?.remove();
  for (const comment of comments)
    if (comment.state === "pending" || (comment.state === "approved" && missing(comment))) conversation.place(comment, true);
}

/** Open the form for an answer below a comment. */
export function reply(conversation, { id, article, opener }) {
  const close = () => {
    form.remove();
    opener.hidden = false;
    opener.focus();
  };
  const form = conversation.form(id, close);
  article.after(form);
  opener.hidden = true;
  form.elements.body.focus();
}

const REASONS = ["spam", "abuse", "unsafe", "personal", "other"];
const flagged = new Set(); // the comments flagged since the page was opened
const chips = new CSSStyleSheet();
chips.replaceSync(`
.row>.pick{display:flex;flex:none;gap:.5em;align-items:center;min-block-size:2.1em;padding:.1em 1em;border:1px solid var(--edge);border-radius:2em;background:var(--field);font-weight:400;cursor:pointer}
.flagging{margin-block:.6em 1em}
.pick:hover{border-color:var(--accent)}
.pick>input{inline-size:auto;min-block-size:0;margin:0;accent-color:var(--accent)}`);

/** Ask below a comment what is wrong with it, and tell the moderators. */
export function flag(conversation, { id, article, opener }, tools) {
  const { h, button, unique } = tools;
  const { visit } = conversation;
  const thank = () => {
    const line = h("span", { class: "hint", tabindex: -1 }, TEXT.flagged);
    opener.replaceWith(line);
    line.focus();
    visit.say(TEXT.thanks);
  };
  if (flagged.has(id)) return thank();
  const group = unique();
  const pick = (value) => h("label", { class: "pick" }, h("input", { type: "radio", name: group, value, required: "" }), TEXT[value]);
  const hint = h("p", { class: "hint", id: unique() }, TEXT.flagHint);
  const error = h("p", { class: "error", id: unique(), tabindex: -1 });
  const note = h("textarea", { class: "field", dir: "auto", "aria-describedby": hint.id + " " + error.id });
  const close = () => {
    form.remove();
    opener.hidden = false;
    opener.focus();
  };
  const submit = async (event) => {
    event.preventDefault();
    if (form.ariaBusy) return;
    form.ariaBusy = true;
    try {
      await visit.post(`comments/${id}/flag`, { reason: form.elements[group].value, note: note.value });
      flagged.add(id);
      form.remove();
      if (!visit.over) thank();
    } catch (trouble) {
      const wrong = trouble.errors?.note;
      error.textContent = wrong ? wrong.join(" ") : visit.sentence(trouble);
      note.toggleAttribute("aria-invalid", wrong);
      (wrong ? note : error).focus();
      visit.tell("flag", trouble);
    }
    form.ariaBusy = null;
  };
  const form = h(
    "form",
    { class: "form stack followup flagging", submit },
    h("fieldset", null, h("legend", null, TEXT.flagging), h("div", { class: "row" }, ...REASONS.map(pick))),
    h("label", null, TEXT.flagNote, note),
    hint,
    error,
    h("div", { class: "row" }, h("button", { class: "primary" }, TEXT.sendFlag), button("other", TEXT.cancel, close)),
  );
  const root = article.getRootNode();
  if (!root.adoptedStyleSheets.includes(chips)) root.adoptedStyleSheets.push(chips);
  article.after(form);
  opener.hidden = true;
  form.elements[0].querySelector("input").focus();
}

/** Fetch the next page of a list and put it where the reader asked for it. */
export async function turn(conversation, { query, list, line }, { h }) {
  const { visit } = conversation;
  try {
    const { comments } = await visit.read(query);
    line.remove();
    conversation.add(comments.items, query, comments.next, list)?.focus();
  } catch (trouble) {
    const error = h("p", { class: "error", tabindex: -1 }, visit.sentence(trouble));
    line.replaceChildren(line.firstChild, error);
    error.focus();
  }
}

// ---- The page's owner

/** Say in the page and in the console that the page's origin is not on the site's list. */
export function refuse({ box, question, site }, { h, fill }) {
  const sentence = fill(TEXT.origin, { origin: location.origin });
  const plain = h("div", { class: "section" }, h("p", { class: "notice error" }, sentence));
  if (question) question.node.replaceWith(plain);
  else box.prepend(plain);
  const command = `feedback site change ${site} --origin ${location.origin}`;
  console.warn(`<article-feedback>: ${sentence} List it, beside the site's other origins: ${command} --origin …`);
}

// ---- The rest of an article's footer

/** Return the bylines and buttons that the element's `show` asks for. */
export function extras(visit, { contributors }, { h, button, fill }) {
  const share = async () => {
    const url = location.href;
    try {
      if (navigator.share) await navigator.share({ title: document.title, url });
      else {
        await navigator.clipboard.writeText(url);
        visit.say(TEXT.copied);
      }
    } catch (error) {
      // Closing the share sheet is no failure; a browser that refuses both still has an address to select.
      if (error.name !== "AbortError") visit.say(fill(TEXT.copyThis, { url }));
    }
  };
  const byline = (role) => {
    const names = (contributors ?? []).filter((person) => person.role === role).map(({ name }) => name);
    return names.length && h("p", { class: "byline" }, TEXT[role] + " ", h("strong", null, names.join(", ")));
  };
  const shown = (part) => visit.extras.includes(part);
  return h(
    "div",
    { class: "stack" },
    shown("byline") && h("div", null, byline("author"), byline("reviewer")),
    h("div", { class: "row" }, shown("share") && button("share", TEXT.share, share), shown("print") && button("print", TEXT.print, () => print())),
  );
}
