/* What <article-feedback> needs at first use alone: what follows an answer, what a comment form does, what readers do with
 * comments and with their own data, and the bylines, share and print buttons of an article's footer. widget.js imports it
 * and hands in its own tools.
 */

const TEXT = {
  announced: "You said, we changed",
  figure: "{yes} of {n} readers found this helpful",
  stale: "This article has changed since you answered “{answer}”. Does it help you now?",
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
  hint: "You can use *emphasis*, **bold**, `code`, > quotes, lists and links.",
  left: { one: "{n} character left", other: "{n} characters left" },
  over: { one: "{n} character too many", other: "{n} characters too many" },
  preview: "Preview",
  private: "This text seems to hold an e-mail address or a phone number. Everybody could read it.",
  sendAnyway: "Send anyway",
  change: "Change it",
  notify: "E-mail me when somebody replies",
  email: "Your e-mail address",
  emailHint: "A first letter asks you to confirm it. It is used for this alone and never shown, and every letter has a link that ends it.",
  retry: "Try again",
  waits: "Thank you. Your comment waits for moderation; until then only you can see it.",
  published: "Thank you. Your comment is published.",
  answer: "Your reply",
  sendReply: "Send reply",
  edit: "Edit",
  editing: "Change your comment",
  save: "Save",
  changed: "Your comment was changed.",
  changedWaits: "Your comment was changed. It waits for moderation; until then only you can see it.",
  withdraw: "Withdraw",
  withdrawSure: "Take this comment off the page for good?",
  withdrawIt: "Withdraw it",
  keepIt: "Keep it",
  withdrawn: "Your comment was withdrawn.",
  liked: "You like this comment.",
  unliked: "You no longer like this comment.",
  order: "Order of the comments",
  best: "Best first",
  newest: "Newest first",
  oldest: "Oldest first",
  sorted: "Order of the comments: {order}",
  shown: { one: "{n} more comment is shown.", other: "{n} more comments are shown." },
  fewer: "Show fewer replies",
  moreReplies: "Show more replies",
  around: "This is a part of the conversation.",
  whole: "Show all comments",
  missing: "This comment is not there any more.",
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
  data: "Your data",
  dataAbout: "Your browser keeps a random number by which this site finds again what you sent. Stored with it are your answers, comments, likes and flags, the name you gave, and your e-mail address if you asked for mail. No IP address, no cookie, nothing of what you read.",
  dataNone: "This browser has sent nothing to this site, so nothing is stored about you.",
  dataShow: "Show what is stored",
  dataSave: "Download it",
  dataErase: "Erase everything",
  dataSure: "Erase all that you sent to this site, from every article, for good?",
  dataErased: "Everything you sent was erased. What remains is a code, made of a random number, by which it is erased again should an older backup be restored.",
  dataVotes: { one: "{n} answer", other: "{n} answers" },
  dataComments: { one: "{n} comment", other: "{n} comments" },
  dataLikes: { one: "{n} like", other: "{n} likes" },
  dataFlags: { one: "{n} flag", other: "{n} flags" },
  close: "Close",
};

const SETTLE_MS = 400; // arrow keys walk through a closed list: only where they stop is sent
const COUNT_FROM = 0.8; // of the longest comment: until then a counter only distracts
const MAX_ID_CHARS = 255; // what the service takes
const MAX_HEADING_CHARS = 80; // a longer one is cut in the list of sections
const ENOUGH = 20; // votes, under which no figure is shown
const FIRST_REPLIES = 3; // of a thread, which stay when it is folded
const STORED_UNDER = "feedback:reader";
const DRAFTS = "feedback:drafts";
const EMAIL = /[^\s@]+@[^\s@]+\.[^\s@]{2}/;
const PHONE = /(^|[^\w.])(\+|0)\d([ ()./-]{0,2}\d){7}/; // 9 digits or more, as numbers begin that are meant to be called

// Classes that are parts as well: preview, sure, order, changed.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
select{font:inherit;font-weight:400;color:inherit;border:1px solid var(--edge);border-radius:calc(var(--radius)*.7);background:var(--field)}
.order{min-block-size:2.1em;padding:.1em .5em}
.followup,.sure{padding:1.1em;border-radius:var(--radius);background:var(--wash)}
.followup legend{font-size:1.1em}
[aria-busy=true]{opacity:.65}
[aria-invalid]{border-color:var(--danger);box-shadow:inset 0 0 0 1px var(--danger)}
.preview{padding:.7em 1em;border:1px dashed var(--edge);border-radius:var(--radius)}
.row>.pick{display:flex;flex:none;gap:.5em;align-items:center;min-block-size:2.1em;padding:.1em 1em;border:1px solid var(--edge);border-radius:2em;background:var(--field);font-weight:400;cursor:pointer}
.below,.flagging,.sure{margin-block:.6em 1em}
.pick:hover{border-color:var(--accent)}
.pick>input{inline-size:auto;min-block-size:0;margin:0;accent-color:var(--accent)}
.stored{padding-inline-start:1.3em}
@media (forced-colors:active){.primary,[aria-pressed=true]{forced-color-adjust:none;background:Highlight;color:HighlightText}}
@media print{select,.sure,.followup{display:none!important}}`);

let count = 0;
const unique = () => "f" + ++count;

/** Return what is said to the readers of this element, and see to it that what is shown looks right. */
function words({ root, texts }) {
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
  return { ...TEXT, ...texts.more };
}

/** Ask before something is done: a sentence and two buttons. `answer` is called with whether it shall be done. */
function sure(sentence, yes, no, answer, { h, button }) {
  const done = (agreed) => {
    node.remove();
    answer(agreed);
  };
  const node = h(
    "div.sure stack",
    { tabindex: -1, role: "group", "aria-label": sentence },
    h("p", null, sentence),
    h("div.row", null, button("primary", yes, () => done(true)), button("other", no, () => done(false))),
  );
  return node;
}

// ---- The question

/** Say what was changed for readers, how many found the article helpful, and things in the site's own words, if any. */
export function settle(visit, { article, settings, votes }, { h }) {
  if (settings.lang.split("-")[0] === visit.language) {
    for (const [key, sentence] of Object.entries(settings.texts ?? {})) {
      const [group, name] = key.split(".");
      if (visit.texts[group]) visit.texts[group][name] = sentence;
    }
  }
  if (!visit.question) return;
  const { changed } = article;
  if (changed) visit.question.node.firstChild.after(announcement(visit, changed, h));
  const { yes, total } = votes;
  if (!settings.figure || total < ENOUGH) return;
  const figure = visit.fill(words(visit).figure, { yes, n: total });
  visit.question.node.firstChild.after(h("p.hint figure", null, figure));
}

function announcement(visit, { text, day }, h) {
  const when = new Intl.DateTimeFormat(visit.language, { dateStyle: "long", timeZone: "UTC" }).format(new Date(day));
  const said = h("span", { lang: visit.settings.lang, dir: "auto" }, text);
  return h("p.changed", null, h("strong", null, words(visit).announced), " · ", h("time", { datetime: day }, when), h("br"), said);
}

/** Show the reader's own: the vote, and of the comments what waits or is newer than the answer that everybody shares. */
export function restore(visit, { vote, comments, likes }, tools) {
  const { question, conversation } = visit;
  // What the reader did while this was on its way is newer: it stands. `saved` is undefined until an answer has come.
  const answered = ({ vote, unsent, sending, saved }) => vote || unsent || sending || saved === null;
  if (question && vote && !answered(question)) restoreVote(visit, vote);
  if (!conversation?.heading) return;
  conversation.likes = new Map([...likes.map((id) => [id, true]), ...(conversation.likes ?? [])]);
  for (const comment of comments) if (!conversation.own?.has(comment.id)) keepOwn(conversation, comment, tools);
  showLikes(conversation);
}

function restoreVote(visit, vote) {
  const { question, revision } = visit;
  question.vote = question.saved = question.restored = vote;
  question.stale = vote.revision && revision && vote.revision !== revision;
  question.draw();
  question.follow();
  if (question.stale) visit.say(visit.fill(words(visit).stale, { answer: visit.text[vote.value] }));
}

/** Show what follows an answer: after No reasons, a section and a note; after Yes a note, for who wants to leave one. */
export function followUp(question, focus, tools) {
  const { value, visit, panel } = question;
  if (!value) return;
  if (question.followed !== value) {
    question.followed = value;
    drawFollowUp(question, tools);
  }
  // Only for who is still there: a reader who has moved on is not called back.
  if (focus && question.buttons.includes(visit.root.activeElement)) panel.firstChild.focus();
}

function drawFollowUp(question, tools) {
  const { value, vote, restored, panel } = question;
  const { h, button } = tools;
  const text = words(question.visit);
  const open = () => {
    const [reason, section] = [reasons(question, tools), sections(question, tools)];
    const attributes = { tabindex: -1, role: "group", "aria-label": text.about };
    panel.replaceChildren(h("div.followup stack", attributes, reason, section, noteBox(question, tools, !question.vote.note)));
  };
  const reopen = () => {
    open();
    panel.firstChild.focus();
  };
  if (value === "yes") panel.replaceChildren(h("div.stack", null, noteBox(question, tools, false)));
  // Who answered on another day has said what they wanted to: the page does not move for it.
  else if (vote === restored) panel.replaceChildren(h("div.stack", null, button("link", text.about, reopen)));
  else open();
}

function reasons(question, { h, button }) {
  const { visit } = question;
  const text = words(visit);
  const { reasons: offered, lang } = visit.settings;
  if (!offered?.length) return null;
  const chips = offered.map(({ code, label }) => button("chip", label, () => choose(code), { value: code, dir: "auto" }));
  const draw = () => {
    for (const chip of chips) chip.ariaPressed = chip.value === question.vote.reason;
  };
  const choose = (code) => {
    question.cast({ reason: code === question.vote.reason ? "" : code });
    visit.say(text.saved);
    draw();
  };
  draw();
  return h("fieldset", { lang }, h("legend.heading", { lang: visit.language }, text.reasons), h("div.row", null, ...chips));
}

function sections(question, { h }) {
  const { visit } = question;
  const { element } = visit;
  const text = words(visit);
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
  let wait;
  const send = () => {
    clearTimeout(wait);
    // Changed or taken back meanwhile: then this list is about another answer.
    if (question.value !== "no" || select.value === (question.vote.section ?? "")) return;
    question.cast({ section: select.value });
    visit.say(text.saved);
  };
  const change = () => {
    clearTimeout(wait);
    wait = setTimeout(send, SETTLE_MS);
  };
  visit.control.signal.addEventListener("abort", () => clearTimeout(wait));
  const select = h("select.field", { change, blur: send }, h("option", { value: "" }, text.anywhere), ...options);
  select.value = question.vote.section ?? "";
  return h("label", null, text.section, select);
}

/** A private note: the box itself when `open`, else the button that opens it. */
function noteBox(question, tools, open) {
  const text = words(question.visit);
  const swap = (next) => {
    node.replaceWith(next);
    (next.querySelector("textarea") ?? next).focus();
  };
  const label = question.vote.note ? text.changeNote : text.leaveNote;
  const click = () => swap(noteBox(question, tools, true));
  const closed = () => tools.button("link", label, click);
  const node = open ? noteForm(question, tools, () => swap(noteBox(question, tools, false))) : closed();
  return node;
}

function noteForm(question, { h }, done) {
  const { visit } = question;
  const text = words(visit);
  const hint = h("p.hint", { id: unique() }, text.privately);
  const error = h("p.error", { id: unique() });
  const described = hint.id + " " + error.id;
  const note = h("textarea.field", { dir: "auto", required: "", "aria-describedby": described });
  note.value = question.vote.note ?? "";
  const submit = async (event) => {
    event.preventDefault();
    const sent = note.value;
    const trouble = await question.cast({ note: sent });
    if (visit.over) return;
    error.textContent = trouble?.errors?.note?.join(" ") ?? "";
    note.toggleAttribute("aria-invalid", error.textContent);
    if (error.textContent) note.focus();
    if (trouble) return;
    visit.say(text.noteSent);
    if (note.value === sent) done(); // else more was typed meanwhile
  };
  return h("form.stack", { submit }, h("label", null, text.note, note), hint, error, h("div.row", null, h("button.primary", null, text.sendNote)));
}

// ---- Comment forms

/** What a reader has typed and not sent, by site, article and thread, as long as the tab is open. */
function drafts() {
  try {
    return JSON.parse(sessionStorage.getItem(DRAFTS)) ?? {};
  } catch {
    return {}; // storage is refused
  }
}

function keepDraft(key, body, name) {
  const kept = drafts();
  if (body) kept[key] = [body, name];
  else delete kept[key];
  try {
    if (Object.keys(kept).length) sessionStorage.setItem(DRAFTS, JSON.stringify(kept));
    else sessionStorage.removeItem(DRAFTS);
  } catch {
    // The draft lives as long as the page.
  }
}

const attended = new WeakMap(); // a form → what sends it

/** Give a comment form its behaviour, once, and return what sends it. */
export function attend(conversation, form, tools) {
  if (!attended.has(form)) attended.set(form, prepare(conversation, form, tools));
  return attended.get(form);
}

function prepare(conversation, form, tools) {
  const { h, button, fill } = tools;
  const { visit } = conversation;
  const { settings } = visit;
  const { parent, editing, close } = form.job ?? {};
  const text = words(visit);
  const { body, name, website } = form.elements;
  const primary = form.querySelector(".primary");
  const label = primary.textContent;
  const most = settings.max_chars;
  const place = [visit.site, visit.article, parent ?? ""].join(" ");
  const line = (kind, content) => h("p." + kind, { id: unique(), tabindex: -1 }, content);
  const [hint, counter, error] = [line("hint", text.hint), line("hint"), line("error")];
  const view = h("div.preview", { tabindex: -1, role: "group", "aria-label": text.preview });
  const mail = settings.notify && !editing && mailFields(text, error, tools);
  const fields = { body, name, email: mail?.address };
  let submission, sent, busy, agreed;

  body.setAttribute("aria-describedby", [counter, hint, error].map(({ id }) => id).join(" "));
  name?.setAttribute("aria-describedby", error.id);
  body.parentNode.after(counter, hint, view, error);
  if (mail) primary.parentNode.before(mail.node);

  const draw = () => {
    const left = most - [...body.value.normalize().trim()].length;
    const near = left < most * (1 - COUNT_FROM);
    counter.textContent = near ? visit.fill(left < 0 ? text.over : text.left, { n: Math.abs(left) }) : "";
    error.textContent = "";
    view.replaceChildren();
    primary.textContent = label;
    for (const field of Object.values(fields)) field?.removeAttribute("aria-invalid");
  };

  const type = () => {
    draw();
    if (!editing) keepDraft(place, body.value, name.value);
  };

  const fail = (trouble) => {
    const wrong = Object.keys(fields).find((field) => trouble.errors?.[field]);
    error.textContent = wrong ? trouble.errors[wrong].join(" ") : visit.sentence(trouble);
    if (wrong) fields[wrong].setAttribute("aria-invalid", true);
    (fields[wrong] ?? error).focus();
    visit.tell("comment", trouble);
  };

  const preview = async () => {
    const written = body.value;
    const asked = new URLSearchParams({ body: written, lang: visit.language });
    try {
      const { html } = await tools.ask(visit.url("preview"), { method: "POST", body: asked });
      if (body.value !== written) return; // more was typed meanwhile
      view.replaceChildren(h("div.text", { dir: "auto", lang: settings.lang }, tools.build(html)));
      view.focus();
    } catch (trouble) {
      fail(trouble);
    }
  };

  const post = () => {
    // The same text sent again is the same comment; a text changed since is another.
    if (sent !== body.value) [sent, submission] = [body.value, tools.random()];
    if (editing) return visit.post(`comments/${editing.id}/edit`, { body: sent });
    const notify = mail?.check.checked || null;
    return visit.post("comments", {
      ...tools.page(),
      body: sent,
      name: name.value,
      parent,
      submission,
      website: website.value,
      opened: Math.round(performance.now() - form.opened),
      notify: notify && "replies",
      email: notify && mail.address.value,
    });
  };

  const deliver = async () => {
    const { comment } = await post();
    // What was typed while it travelled stays, and so does the form: all of a change, of a new comment what was added.
    const rest = body.value === sent ? "" : editing ? body.value : body.value.replace(sent, "").trimStart();
    if (!editing) keepDraft(place, rest, name.value);
    if (visit.over) return;
    body.value = rest;
    sent = null;
    agreed = false;
    draw();
    if (close && !rest) close();
    if (editing) rewrite(conversation, comment, tools);
    else arrive(conversation, comment, tools);
    if (rest) body.focus();
  };

  const send = async () => {
    if (busy) return;
    if (!agreed && (EMAIL.test(body.value) || PHONE.test(body.value))) return ask();
    busy = true;
    draw();
    form.ariaBusy = true;
    await deliver().catch((trouble) => {
      fail(trouble);
      if (tools.again(trouble)) primary.textContent = text.retry;
    });
    form.ariaBusy = null;
    busy = false;
  };

  const ask = () => {
    const question = form.querySelector(".sure") ?? sure(text.private, text.sendAnyway, text.change, decide, tools);
    error.after(question);
    question.focus();
  };

  const decide = (anyway) => {
    agreed = anyway;
    body.focus();
    if (anyway) send();
  };

  form.addEventListener("input", type);
  primary.after(button("other", text.preview, preview));
  const [typed, signed] = (!editing && drafts()[place]) || [];
  if (typed && !body.value) [body.value, name.value] = [typed, name.value || signed];
  draw();
  return send;
}

function mailFields(text, error, { h }) {
  const hint = h("p.hint", { id: unique() }, text.emailHint);
  const address = h("input.field", { type: "email", name: "email", autocomplete: "email", "aria-describedby": hint.id + " " + error.id });
  const change = () => {
    details.hidden = !check.checked;
    address.required = check.checked;
    if (check.checked) address.focus();
  };
  const check = h("input", { type: "checkbox", name: "notify", change });
  const details = h("div.stack", { hidden: "" }, h("label", null, text.email, address), hint);
  return { check, address, node: h("div.stack", null, h("div.row", null, h("label.pick", null, check, text.notify)), details) };
}

function arrive(conversation, comment, tools) {
  const { visit } = conversation;
  const text = words(visit);
  const published = comment.state === "approved";
  conversation.count(published);
  keepOwn(conversation, { ...comment, fresh: true }, tools)?.focus();
  visit.say(published ? text.published : text.waits);
  visit.emit("comment", { id: comment.id, parent: comment.parent, state: comment.state });
}

/** Give the focus back to what opened a form or, where that has gone meanwhile, to its comment. */
function giveBack({ shown }, { comment, opener }) {
  opener.hidden = false;
  (opener.isConnected ? opener : shown.get(comment.id))?.focus();
}

/** Open a form below a comment, made of the one for comments. */
function formBelow(conversation, place, labels, job, { button }) {
  const { article, opener } = place;
  const text = words(conversation.visit);
  const form = conversation.form();
  const close = () => {
    form.remove();
    giveBack(conversation, place);
  };
  for (const guide of form.querySelectorAll(".guide")) guide.remove();
  const primary = form.querySelector(".primary");
  primary.textContent = labels.send;
  primary.after(button("other", text.cancel, close));
  form.elements.body.parentNode.firstChild.data = labels.body;
  form.job = { ...job, close };
  form.classList.add("below");
  article.after(form);
  opener.hidden = true;
  form.elements.body.focus();
  return form;
}

/** Open the form for an answer below a comment. */
export function reply(conversation, place, tools) {
  const text = words(conversation.visit);
  formBelow(conversation, place, { body: text.answer, send: text.sendReply }, { parent: place.comment.id }, tools);
}

// ---- One's own comments

/** Put a reader's own comment in its place, newer than what everybody shares, with what they can do to it. */
function keepOwn(conversation, comment, tools) {
  const { shown, threads, complete } = conversation;
  const { id, parent, state } = comment;
  const known = shown.has(id);
  conversation.own ??= new Map();
  conversation.own.set(id, comment);
  const stands = state === "pending" || state === "approved";
  if (known) redraw(conversation, stands ? comment : { ...comment, gone: state === "withdrawn" ? state : "removed" });
  else if (stands && (!parent || threads.has(parent)) && (state === "pending" || comment.fresh || complete))
    conversation.place(comment, true); // an answer waits until its thread is shown
  const article = shown.get(id);
  if (article && stands) addActions(conversation, comment, article, tools);
  return article;
}

function redraw(conversation, comment) {
  const { shown, threads, visit } = conversation;
  const before = shown.get(comment.id);
  const closed = !comment.parent && threads.get(comment.id).closed;
  const focused = before.contains(visit.root.activeElement);
  before.replaceWith(conversation.draw({ ...comment, closed }));
  if (focused) shown.get(comment.id).focus({ preventScroll: true });
}

function addActions(conversation, comment, article, tools) {
  const { h, button } = tools;
  const { visit } = conversation;
  const text = words(visit);
  const place = (opener) => ({ comment, article, opener });
  const edit = button("link edit", text.edit, () => rework(conversation, place(edit), tools));
  const withdraw = button("link withdraw", text.withdraw, () => takeOff(conversation, place(withdraw), tools));
  if (comment.state === "pending") article.firstChild.append(h("span.badge", null, visit.text.waiting));
  const left = new Date(comment.editable_until) - Date.now();
  article.lastChild.append(...(comment.editable_until && left > 0 ? [edit] : []), withdraw);
  const end = () => {
    if (visit.root.activeElement === edit) article.focus();
    edit.remove();
  };
  const timer = left > 0 && setTimeout(end, left);
  visit.control.signal.addEventListener("abort", () => clearTimeout(timer));
}

function rework(conversation, place, tools) {
  const text = words(conversation.visit);
  const labels = { body: text.editing, send: text.save };
  const form = formBelow(conversation, place, labels, { editing: place.comment }, tools);
  form.elements.body.value = place.comment.source;
  form.elements.name.parentNode.remove();
  form.elements.website.parentNode.remove();
}

function rewrite(conversation, comment, tools) {
  const { visit, own } = conversation;
  const text = words(visit);
  const waits = comment.state === "pending";
  conversation.count((own.get(comment.id).state === "approved" ? -1 : 0) + (waits ? 0 : 1));
  keepOwn(conversation, comment, tools).focus();
  visit.say(waits ? text.changedWaits : text.changed);
}

function takeOff(conversation, { comment, article, opener }, tools) {
  const { visit } = conversation;
  const text = words(visit);
  const answer = async (agreed) => {
    giveBack(conversation, { comment, opener });
    if (!agreed) return;
    try {
      await visit.post(`comments/${comment.id}/withdraw`);
    } catch (trouble) {
      visit.say(visit.sentence(trouble));
      visit.tell("withdraw", trouble);
      return;
    }
    if (visit.over) return;
    conversation.count(comment.state === "approved" ? -1 : 0);
    keepOwn(conversation, { ...comment, state: "withdrawn" }, tools).focus();
    visit.say(text.withdrawn);
  };
  const question = sure(text.withdrawSure, text.withdrawIt, text.keepIt, answer, tools);
  article.after(question);
  opener.hidden = true;
  question.focus();
}

// ---- Others' comments

/** Like a comment, or no longer: shown at the click. */
export async function like(conversation, { comment, opener }) {
  const { visit } = conversation;
  const text = words(visit);
  if (opener.ariaBusy) return;
  const likes = opener.ariaPressed !== "true";
  opener.ariaBusy = true;
  opener.ariaPressed = likes;
  conversation.likes ??= new Map();
  conversation.likes.set(comment.id, likes);
  visit.say(likes ? text.liked : text.unliked);
  try {
    const { likes: n } = await visit.post(`comments/${comment.id}/like`, { value: likes ? "yes" : "none" });
    opener.nextSibling.textContent = n ? visit.fill(visit.text.likes, { n }) : "";
  } catch (trouble) {
    opener.ariaPressed = !likes;
    conversation.likes?.set(comment.id, !likes);
    visit.say(visit.sentence(trouble));
    visit.tell("like", trouble);
  }
  opener.ariaBusy = null;
}

function showLikes({ likes, shown }) {
  for (const [id, liked] of likes ?? []) {
    const button = shown.get(id)?.querySelector(".like");
    if (button) button.ariaPressed = liked;
  }
}

const REASONS = ["spam", "abuse", "unsafe", "personal", "other"];
const flagged = new Set(); // the comments flagged since the page was opened

/** Ask below a comment what is wrong with it, and tell the moderators. */
export function flag(conversation, { comment, article, opener }, { h, button }) {
  const { visit } = conversation;
  const { id } = comment;
  const text = words(visit);
  const thank = () => {
    const line = h("span.hint", { tabindex: -1 }, text.flagged);
    opener.replaceWith(line);
    line.focus();
    visit.say(text.thanks);
  };
  if (flagged.has(id)) return thank();
  const group = unique();
  const pick = (value) => h("label.pick", null, h("input", { type: "radio", name: group, value, required: "" }), text[value]);
  const hint = h("p.hint", { id: unique() }, text.flagHint);
  const error = h("p.error", { id: unique(), tabindex: -1 });
  const note = h("textarea.field", { dir: "auto", "aria-describedby": hint.id + " " + error.id });
  const close = () => {
    form.remove();
    giveBack(conversation, { comment, opener });
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
    "form.form stack followup flagging",
    { submit },
    h("fieldset", null, h("legend", null, text.flagging), h("div.row", null, ...REASONS.map(pick))),
    h("label", null, text.flagNote, note),
    hint,
    error,
    h("div.row", null, h("button.primary", null, text.sendFlag), button("other", text.cancel, close)),
  );
  article.after(form);
  opener.hidden = true;
  form.elements[0].querySelector("input").focus();
}

// ---- Pages of comments

/** Fetch the next page of a list and put it where the reader asked for it. */
export async function turn(conversation, { query, list, line }, tools) {
  const { h } = tools;
  const { visit, shown } = conversation;
  const text = words(visit);
  const before = shown.size;
  try {
    const { comments } = await visit.read(query);
    if (!list.isConnected) return; // another order or another article stands there by now
    line.remove();
    const first = conversation.add(comments.items, query, comments.next, list);
    showOwn(conversation, tools);
    if (query.parent) fold(list, text, tools);
    // It stands where the button stood: nothing needs to move for it.
    first?.focus({ preventScroll: true });
    visit.say(visit.fill(text.shown, { n: shown.size - before }));
  } catch (trouble) {
    const error = h("p.error", { tabindex: -1 }, visit.sentence(trouble));
    line.replaceChildren(line.firstChild, error);
    error.focus();
  }
}

/** Put below a thread the way to fold it to its first replies, and to unfold it again. */
function fold(list, text, { h, button }) {
  const toggle = () => {
    const open = way.ariaExpanded !== "true";
    way.ariaExpanded = open;
    way.textContent = open ? text.fewer : text.moreReplies;
    for (const item of [...list.children].slice(FIRST_REPLIES)) item.hidden = !open;
    if (list.offer) list.offer.hidden = !open;
    way.scrollIntoView({ block: "nearest" });
  };
  const way = button("chip", text.fewer, toggle, { "aria-expanded": true });
  list.folding?.remove();
  list.folding = h("div.row", null, way);
  const offer = list.nextElementSibling;
  list.offer = offer?.matches(".row") && offer;
  (list.offer || list).after(list.folding);
}

/** Show what is one's own among comments that have just come. */
function showOwn(conversation, tools) {
  for (const comment of conversation.own?.values() ?? []) {
    const article = conversation.shown.get(comment.id);
    if (!article?.querySelector(".withdraw") || comment.state === "withdrawn") keepOwn(conversation, comment, tools);
  }
  showLikes(conversation);
}

/** Show another page of comments in place of those that are shown. */
function refill(conversation, comments, query, tools) {
  const before = conversation.list;
  const offer = before.nextElementSibling;
  if (offer?.matches(".row")) offer.remove();
  conversation.part?.remove();
  conversation.clear();
  before.replaceWith(conversation.list);
  conversation.complete = !comments.next && !query.around;
  conversation.add(comments.items, query.sort ? { sort: query.sort } : {}, comments.next, conversation.list);
  showOwn(conversation, tools);
}

/** Offer the orders that comments can have. */
export function sort(conversation, { h, button, ...tools }) {
  const { visit, heading } = conversation;
  const text = words(visit);
  let latest;
  const change = async () => {
    const query = select.value === "best" ? {} : { sort: select.value };
    latest = query; // of two orders chosen quickly the answer to the second counts
    try {
      const { comments } = await visit.read(query);
      if (visit.over || latest !== query) return;
      conversation.sorted = query;
      refill(conversation, comments, query, { h, button, ...tools });
      visit.say(visit.fill(text.sorted, { order: text[select.value] }));
    } catch (trouble) {
      if (latest !== query) return;
      select.value = conversation.sorted?.sort ?? "best";
      visit.say(visit.sentence(trouble));
    }
  };
  const options = ["best", "newest", "oldest"].map((order) => h("option", { value: order }, text[order]));
  const select = h("select.field order", { change, "aria-label": text.order }, ...options);
  heading.nextSibling.replaceWith(select);
  select.focus();
  try {
    select.showPicker();
  } catch {
    // It opens at the next press.
  }
}

/** Show the comment of that id, with the page of comments around it where it is not shown yet, and go to it. */
export async function seek(conversation, id, tools) {
  const { visit } = conversation;
  const text = words(visit);
  if (!conversation.shown.has(id)) {
    const { state, parent } = conversation.own?.get(id) ?? {};
    const query = { ...conversation.sorted, around: (state === "pending" && parent) || id }; // what waits is in no page
    try {
      const { comments } = await visit.read(query);
      if (visit.over) return;
      refill(conversation, comments, query, tools);
      offerWhole(conversation, text, tools);
    } catch (trouble) {
      // Of several articles on a page one has the comment.
      const alone = document.querySelectorAll(visit.element.localName).length < 2;
      if (alone) visit.say(trouble.status === 404 ? text.missing : visit.sentence(trouble));
      return;
    }
  }
  const article = conversation.shown.get(id);
  if (!article) return;
  for (let item = article.closest("li"); item; item = item.parentNode.closest("li")) item.hidden = false;
  article.scrollIntoView({ block: "center" });
  article.focus({ preventScroll: true });
}

function offerWhole(conversation, text, { h, button, ...tools }) {
  const { visit } = conversation;
  const show = async () => {
    try {
      const query = conversation.sorted ?? {};
      const { comments } = await visit.read(query);
      if (visit.over) return;
      refill(conversation, comments, query, { h, button, ...tools });
      conversation.list.querySelector("article")?.focus();
    } catch (trouble) {
      visit.say(visit.sentence(trouble));
    }
  };
  conversation.part = h("div.row", null, h("p.hint", null, text.around), button("chip", text.whole, show));
  conversation.list.before(conversation.part);
}

// ---- The reader's rights

/** Show below everything what the reader can know and do about what is stored of them. */
export function data(visit, tools) {
  const { h, button } = tools;
  const text = words(visit);
  const opener = visit.box.querySelector(".data");
  const close = () => {
    panel.remove();
    opener.hidden = false;
    opener.focus();
  };
  const result = h("div.stack", { tabindex: -1 });
  const attempt = (act) => async () => {
    try {
      await act();
    } catch (trouble) {
      result.replaceChildren(h("p.error", null, visit.sentence(trouble)));
      visit.tell("data", trouble);
    }
    result.focus();
  };
  const show = attempt(async () => result.replaceChildren(...stored(visit, await visit.post("export"), text, tools)));
  const save = attempt(async () => download(await visit.post("export"), visit.site, tools));
  const erase = attempt(async () => {
    const gone = await visit.post("erase");
    forget(visit, tools);
    about.remove();
    actions.replaceChildren(button("other", text.close, close));
    result.replaceChildren(h("p", null, text.dataErased), h("p.hint", null, totals(visit, gone, text)));
    visit.say(text.dataErased);
  });
  const confirm = () => {
    const question = sure(text.dataSure, text.dataErase, text.cancel, (agreed) => (agreed ? erase() : eraser.focus()), tools);
    result.replaceChildren(question);
    question.focus();
  };
  const eraser = button("other", text.dataErase, confirm);
  const known = tools.known();
  const about = h("p.hint", null, known ? text.dataAbout : text.dataNone);
  const offered = known ? [button("other", text.dataShow, show), button("other", text.dataSave, save), eraser] : [];
  const actions = h("div.row", null, ...offered, button("other", text.close, close));
  const panel = h(
    "div.stack",
    { tabindex: -1, role: "group", "aria-label": text.data },
    h("h3.heading", null, text.data),
    about,
    actions,
    result,
  );
  opener.hidden = true;
  opener.after(panel);
  panel.focus();
}

const KINDS = { votes: "dataVotes", comments: "dataComments", likes: "dataLikes", flags: "dataFlags" };

function totals(visit, counts, text) {
  const sentences = Object.entries(KINDS).map(([kind, name]) => visit.fill(text[name], { n: counts[kind] ?? 0 }));
  return new Intl.ListFormat(visit.language, { type: "unit" }).format(sentences);
}

function stored(visit, { votes, comments, likes, flags }, text, { h }) {
  const day = (time) => new Date(time).toLocaleDateString(visit.language, { dateStyle: "medium" });
  const line = (time, article, ...said) => h("li", null, [article.title ?? article.key, ...said].filter(Boolean).join(" · "), " ", h("span.hint", null, day(time)));
  const kinds = { votes, comments, likes, flags };
  const counts = Object.fromEntries(Object.entries(kinds).map(([kind, rows]) => [kind, rows?.length]));
  return [
    h("p", null, totals(visit, counts, text)),
    h(
      "ul.stored",
      null,
      ...votes.map(({ created, article, value, note }) => line(created, article, visit.text[value], note)),
      ...comments.map(({ created, article, source }) => line(created, article, source)),
    ),
  ];
}

function download(found, site, { h }) {
  const href = URL.createObjectURL(new Blob([JSON.stringify(found, null, 2)], { type: "application/json" }));
  h("a", { href, download: `feedback-${site}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(href));
}

/** Forget who the reader was, in every element of the site on the page. */
function forget(visit, { memory }) {
  memory.token = undefined;
  try {
    localStorage.removeItem(STORED_UNDER);
    sessionStorage.removeItem(DRAFTS);
  } catch {
    // Storage is refused: there was nothing in it.
  }
  const others = [...document.querySelectorAll(visit.element.localName)].map((element) => element.visit);
  for (const each of new Set([visit, ...others])) if (each?.site === visit.site && each.box) clean(each);
}

function clean({ question, conversation }) {
  if (question) {
    Object.assign(question, { vote: null, saved: null, unsent: null, stale: false });
    question.draw();
    question.follow();
  }
  if (!conversation?.heading) return;
  for (const comment of conversation.own?.values() ?? []) cleanComment(conversation, comment);
  conversation.own = conversation.likes = null;
  for (const button of conversation.node.querySelectorAll(".like")) button.ariaPressed = false;
}

function cleanComment(conversation, comment) {
  const { shown, threads } = conversation;
  const item = shown.get(comment.id)?.closest("li");
  if (!item) return;
  if (comment.state === "approved") conversation.count(-1);
  if (item.querySelector("li")) return redraw(conversation, { ...comment, name: null, state: null, gone: "removed" });
  item.remove();
  shown.delete(comment.id);
  threads.delete(comment.id);
}

// ---- The page's owner

/** Say in the page and in the console that the page's origin is not on the site's list. */
export function refuse(visit, { h }) {
  const { box, question, site } = visit;
  const sentence = visit.fill(words(visit).origin, { origin: location.origin });
  const plain = h("div.section", null, h("p.notice error", null, sentence));
  if (question) question.node.replaceWith(plain);
  else box.prepend(plain);
  const command = `feedback site change ${site} --origin ${location.origin}`;
  console.warn(`<article-feedback>: ${sentence} List it, beside the site's other origins: ${command} --origin …`);
}

// ---- The rest of an article's footer

/** Show the bylines and buttons that the element's `show` asks for. */
export function extras(visit, { contributors }, { h, button }) {
  const text = words(visit);
  const share = async () => {
    const url = location.href;
    try {
      if (navigator.share) await navigator.share({ title: document.title, url });
      else {
        await navigator.clipboard.writeText(url);
        visit.say(text.copied);
      }
    } catch (error) {
      // Closing the share sheet is no failure; a browser that refuses both still has an address to select.
      if (error.name !== "AbortError") visit.say(visit.fill(text.copyThis, { url }));
    }
  };
  const byline = (role) => {
    const names = (contributors ?? []).filter((person) => person.role === role).map(({ name }) => name);
    return names.length && h("p.byline", null, text[role] + " ", h("strong", null, names.join(", ")));
  };
  const shows = (part) => visit.parts.includes(part);
  visit.footer.replaceChildren(
    h(
      "div.stack",
      null,
      shows("byline") && h("div", null, byline("author"), byline("reviewer")),
      h("div.row", null, shows("share") && button("share", text.share, share), shows("print") && button("print", text.print, () => print())),
    ),
  );
}
