/* The moderation queue: keys, and decisions that are sent while the next comment is already shown.

   A decision is the form that a mouse would send, sent one after the other and never lost: what fails comes back with
   its reason, and what has not been sent when the page is left is sent then. Every page works without this script. */
"use strict";

(() => {
  const queue = document.querySelector("[data-queue]");
  const batch = document.querySelector("[data-batch]");
  if (queue) moderate();
  if (batch) follow();

  // The progress of a bulk decision

  /** Show how far a bulk decision is, by itself and without moving the focus. */
  function follow() {
    const shown = document.querySelector("[data-batch]");
    if (!("going" in shown.dataset)) return;
    shown.querySelector("[data-reload]").hidden = true;
    setTimeout(async () => {
      try {
        const page = await read(location.href);
        shown.replaceWith(document.importNode(page.querySelector("[data-batch]"), true));
      } catch {
        // The network may be back at the next look.
      }
      follow();
    }, 1000);
  }

  async function read(address) {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  function moderate() {
    const list = queue.dataset.list;
    const bulk = document.getElementById("bulk");
    const help = document.getElementById("keys");
    const keysOn = document.getElementById("keys-on");
    const all = document.getElementById("all");
    const said = document.getElementById("said");
    const OUTCOME = { approve: "approved", reject: "rejected", spam: "spam", hold: "pending" };
    const LOW = 15; // cards left when the next page is asked for: some seconds of a quick moderator
    const MAX_WAIT = 10; // seconds that are waited for by themselves when the service asks to come again
    const KEPT = 50; // decisions that can be taken back by the key
    const outbox = []; // decisions to send, the first of which is on its way
    const made = []; // decisions that can be taken back, the last one last
    const seen = new Set(cards().map((card) => card.id)); // what was shown here is not shown again by a next page
    let current = null;
    let next = document.querySelector(".pager [rel=next]")?.href;
    let filling = false;
    let sent = 0; // decisions and undos that were answered: a page read before knows nothing of them
    let opening = false; // a form to write in is on its way: what is typed already is no key

    document.documentElement.classList.add("scripted");
    for (const hidden of document.querySelectorAll("[data-scripted]")) hidden.hidden = false;
    queue.addEventListener("change", count);
    queue.addEventListener("focusin", (event) => mark(event.target.closest(".item")));
    queue.addEventListener("pointerdown", (event) => mark(event.target.closest(".item")));
    document.addEventListener("submit", take, true);
    document.addEventListener("keydown", press);
    queue.addEventListener("click", open);
    queue.addEventListener("toggle", (event) => event.target.matches(".with-reason[open]") && offerReasons(event.target), true);
    window.addEventListener("beforeunload", ask);
    window.addEventListener("pagehide", sendTheRest);
    if (all) all.addEventListener("change", selectAll);
    document.getElementById("help").addEventListener("click", () => help.showModal());
    keysOn.checked = remembered() !== "off";
    keysOn.addEventListener("change", () => remember(keysOn.checked ? "on" : "off"));
    count();
    start();

    function cards() {
      return [...queue.querySelectorAll(".item")];
    }

    /** Begin where the address points, which is the comment after the one decided last. */
    function start() {
      const named = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
      mark(named || cards()[0]);
      if (named) named.focus({ preventScroll: true });
      if (next) refill();
    }

    function mark(card) {
      if (!card || card === current) return;
      current?.classList.remove("current");
      current = card;
      current.classList.add("current");
    }

    function show(card) {
      mark(card);
      card.focus({ preventScroll: true });
      card.scrollIntoView({ block: "nearest" });
    }

    function go(step) {
      const shown = cards();
      const at = shown.indexOf(current) + step;
      if (shown.length) show(shown[Math.min(Math.max(at, 0), shown.length - 1)]);
    }

    // Selecting

    function boxes() {
      return [...queue.querySelectorAll(".pick input")];
    }

    function selectAll() {
      for (const box of boxes()) box.checked = all.checked;
      count();
    }

    /** Show how many are selected, and the bar that decides on them only where there are any. */
    function count() {
      if (!bulk) return;
      const chosen = boxes().filter((box) => box.checked);
      for (const box of boxes()) box.closest(".item").classList.toggle("chosen", box.checked);
      bulk.hidden = chosen.length === 0;
      const text = `${chosen.length} selected`;
      const place = document.getElementById("chosen");
      if (place.textContent !== text) place.textContent = text;
      all.checked = chosen.length > 0 && chosen.length === boxes().length;
      all.indeterminate = chosen.length > 0 && !all.checked;
    }

    // Deciding

    /** Take a form that decides out of the browser's hands: show what comes next, and send it meanwhile. */
    function take(event) {
      const form = event.target;
      // A form's `action` would be its buttons of that name.
      const address = form.getAttribute("action");
      const decides = address?.endsWith("/moderation/decide");
      if (form.dataset.plainly || (decides ? list === "all" : !queue.contains(form)) || event.submitter?.formMethod === "dialog") return;
      event.preventDefault();
      event.stopPropagation();
      if (!decides) {
        change(form, event.submitter);
        return;
      }
      const body = new FormData(form, event.submitter);
      // What was typed as the reason of a rejection is none of another decision.
      if (form !== bulk && event.submitter?.form.contains(event.submitter)) body.delete("reason");
      const picked = body.getAll("pick").map((pick) => document.getElementById(`c-${pick.split(" ")[0]}`));
      const taken = picked.filter(Boolean);
      if (!taken.length) return;
      const action = body.get("action");
      const decision = { body, action, address, cards: taken };
      // It is under way before the list refills, so that what is decided is not taken for what came meanwhile.
      outbox.push(decision);
      decision.places = remove(taken);
      tell(`${LABELS[action]}${taken.length > 1 ? `: ${taken.length} comments` : ""}.`, decision);
      if (form === bulk) bulk.querySelector(".reason").value = "";
      send();
    }

    const LABELS = { approve: "Approved", reject: "Rejected", spam: "Marked as spam", hold: "Held again" };

    /** Take cards away, keep in mind where each stood, and show the next one. */
    function remove(taken) {
      const shown = cards();
      const at = shown.indexOf(taken.includes(current) ? current : taken[0]);
      const following = [...shown.slice(at + 1), ...shown.slice(0, at).reverse()].find((card) => !taken.includes(card));
      const places = taken.map((card) => card.nextElementSibling);
      for (const card of taken) {
        const box = card.querySelector(".pick input");
        if (box) box.checked = false;
        card.classList.remove("current");
        card.remove();
      }
      if (taken.includes(current)) current = null;
      if (following) show(following);
      else queue.focus();
      count();
      refill();
      return places;
    }

    /** Put the cards of a decision back where they stood, the later ones first, since each stood before the next. */
    function restore(decision) {
      queue.querySelector(".empty")?.remove();
      for (const [index, card] of [...decision.cards.entries()].reverse()) {
        const place = decision.places[index];
        queue.insertBefore(card, place?.isConnected ? place : firstAfter(card));
      }
      count();
    }

    /** Where the neighbour is gone too, the list's own order says where a card belongs. */
    function firstAfter(card) {
      const when = (each) => each.querySelector(".item-age time").dateTime;
      const newest = new URLSearchParams(location.search).get("sort") === "newest";
      const later = (each) => (newest ? when(each) < when(card) : when(each) > when(card));
      return cards().find(later) ?? null;
    }

    async function send() {
      if (outbox[0].sending) return;
      queue.dataset.sending = "yes";
      while (outbox.length) {
        const decision = outbox[0];
        decision.sending = true;
        await (decision.undoes ? takeBack(decision) : decide(decision));
        outbox.shift();
        sent += 1;
      }
      delete queue.dataset.sending;
      refill();
    }

    async function decide(decision) {
      const answer = await post(decision.address, decision.body);
      if (answer.ok) {
        decision.at = answer.told.undo;
        moved(decision, OUTCOME[decision.action], 1);
        made.push(decision);
        if (made.length > KEPT) made.shift();
        return;
      }
      decision.note.remove(); // It said that this was done.
      if (answer.status === 409) {
        await overtaken(decision, answer.told);
      } else {
        restore(decision);
        for (const card of decision.cards) complain(card, answer.reason);
        warn(`${decision.cards.length > 1 ? "These comments are" : "A comment is"} back: ${answer.reason}`);
      }
    }

    /** Send a form; return what came of it, and in a sentence why nothing did. */
    async function post(address, body) {
      for (let attempt = 1; ; attempt += 1) {
        let answer;
        try {
          answer = await fetch(address, {
            method: "POST",
            body: new URLSearchParams(body),
            headers: { Accept: "application/json" },
            redirect: "manual",
            keepalive: true,
          });
        } catch {
          return { ok: false, told: {}, reason: LOST };
        }
        const wait = Number(answer.headers.get("Retry-After"));
        const asked = (answer.status === 429 || answer.status === 503) && wait > 0;
        if (asked && wait <= MAX_WAIT && attempt < 4) {
          warn(`The service asks to wait for ${wait} s; your decisions are sent then.`);
          outbox[0].waits = true;
          await new Promise((resume) => setTimeout(resume, wait * 1000));
          outbox[0].waits = false;
          continue;
        }
        const json = answer.headers.get("Content-Type")?.startsWith("application/json");
        const told = json ? await answer.json().catch(() => ({})) : {};
        if (asked) return { ok: false, status: answer.status, told, reason: `try again in ${wait} seconds.` };
        return { ok: answer.ok, status: answer.status, told, reason: REASONS[answer.status] ?? `it was refused (${answer.status}).` };
      }
    }

    const LOST = "the service could not be reached. Nothing is known to be done; try again.";
    const REASONS = {
      lost: LOST,
      0: "you are signed out. Sign in again in another tab, then try again.",
      400: "this page has grown too old. Reload it, then try again.",
      404: "the comment is not there any more.",
    };

    /** Somebody was quicker, or the text has changed: nothing of the call was done. */
    async function overtaken(decision, told) {
      const stale = new Map((told.stale ?? []).map((each) => [`c-${each.id}`, each]));
      const kept = decision.cards.filter((card) => !stale.has(card.id));
      for (const [id, each] of stale) {
        const card = decision.cards.find((one) => one.id === id);
        const fresh = card && each.state === list ? await freshCard(card) : null;
        if (fresh) {
          decision.cards[decision.cards.indexOf(card)] = fresh;
          complain(fresh, each.text);
        }
        warn(each.text, `/moderation/comments/${each.id}`, card?.querySelector(".said")?.textContent.trim().slice(0, 60));
      }
      const still = decision.cards.map((card, index) => [card, decision.places[index]]);
      const back = still.filter(([card]) => kept.includes(card) || card.dataset.fresh);
      restore({ cards: back.map(([card]) => card), places: back.map(([, place]) => place) });
      for (const card of kept) {
        const box = card.querySelector(".pick input");
        if (box) box.checked = true;
      }
      count();
    }

    /** A comment as it is now; the page of the list that it came with has it. */
    async function freshCard(card) {
      try {
        const page = await read(card.querySelector("[name=back]").value);
        const fresh = document.importNode(page.getElementById(card.id), true);
        fresh.dataset.fresh = "yes";
        return fresh;
      } catch {
        return null;
      }
    }

    function complain(card, reason, what = "Not decided") {
      card.querySelector(".trouble")?.remove();
      const line = document.createElement("p");
      line.className = "trouble";
      line.textContent = `${what}: ${reason}`;
      card.querySelector(".item-head").after(line);
    }

    // Taking back

    function undo() {
      // What was done last without a decision on this page, or by the page before, has its own button.
      const offered = document.querySelector(".messages form button");
      const last = [...outbox].reverse().find((each) => !each.undoes && !each.undone) ?? made.at(-1);
      if (offered) offered.click();
      else if (!last || last.undone) tell("There is nothing to undo here.");
      else if (outbox.includes(last) && !last.sending) unsend(last);
      else {
        last.undone = true;
        outbox.push({ undoes: last });
        send();
      }
    }

    /** What has not been sent yet need not be. */
    function unsend(decision) {
      outbox.splice(outbox.indexOf(decision), 1);
      restore(decision);
      show(decision.cards[0]);
      tell("Undone.");
    }

    async function takeBack({ undoes }) {
      if (!undoes.at) return; // It had not been decided after all, and its card is back.
      made.splice(made.indexOf(undoes), 1);
      const answer = await post(UNDO, undoing(undoes));
      if (!answer.ok) {
        for (const each of answer.told.stale ?? []) warn(each.text, `/moderation/comments/${each.id}`);
        if (!answer.told.stale) warn(`Not undone: ${answer.reason}`);
        return;
      }
      moved(undoes, OUTCOME[undoes.action], -1);
      restore(undoes);
      for (const [id, version] of Object.entries(answer.told.versions)) renew(id, version);
      show(undoes.cards[0]);
      tell(answer.told.text);
    }

    const UNDO = "/moderation/undo";

    function undoing(decision) {
      return new URLSearchParams({ csrf_token: decision.body.get("csrf_token"), at: decision.at });
    }

    /** What comes back has a new version, which its forms must name. */
    function renew(id, version) {
      for (const field of document.getElementById(`c-${id}`)?.querySelectorAll("[name=pick]") ?? []) {
        field.value = `${id} ${version}`;
      }
    }

    // What is said

    function tell(text, decision) {
      const note = notice("done", text);
      if (decision) {
        decision.note = note;
        note.append(button("Undo", undo));
      }
      said.querySelector(".notice-done")?.remove();
      said.append(note);
    }

    function warn(text, address, about) {
      const note = notice("warning", about ? `“${about}” ${text} ` : `${text} `);
      if (address) {
        const link = document.createElement("a");
        link.href = address;
        link.textContent = "See it";
        note.append(link);
      }
      const away = button("Put away", () => {
        note.remove();
        (current ?? queue).focus({ preventScroll: true });
      });
      away.className = "plain";
      note.append(away);
      said.prepend(note);
      for (const old of [...said.querySelectorAll(".notice-warning")].slice(3)) old.remove();
    }

    function button(text, act) {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      made.addEventListener("click", act);
      return made;
    }

    function notice(kind, text) {
      for (const old of document.querySelectorAll(".messages:not(#said)")) old.remove();
      const note = document.createElement("div");
      note.className = `notice notice-${kind}`;
      const words = document.createElement("span");
      words.textContent = text;
      note.append(words);
      return note;
    }

    /** Keep the counts of the lists right: `way` is 1 for a decision, -1 for its undo. */
    function moved(decision, outcome, way) {
      for (const card of decision.cards) {
        add(card.dataset.state, -way);
        add(outcome, way);
        if (list === "flagged") add(list, -way);
      }
    }

    function add(name, number) {
      const place = document.querySelector(`.tabs [data-list="${name}"] .count`);
      place.textContent = String(Math.max(0, Number(place.textContent) + number));
    }

    // The list refills as it empties

    async function refill() {
      const left = cards().length;
      if (filling || left >= LOW || (!next && (left || outbox.length))) return;
      filling = true;
      const lastLook = !next;
      const then = sent;
      let failed = false;
      try {
        // Past the last page the first one is looked at again, for what came meanwhile.
        const page = await read(next ?? firstPage());
        next = lastLook ? undefined : page.querySelector(".pager [rel=next]")?.getAttribute("href");
        if (lastLook && then !== sent) return; // The page is older than what is shown; it is looked at again.
        const fresh = [...page.querySelectorAll("[data-queue] .item")].filter((card) => lastLook ? !isPending(card) : !seen.has(card.id));
        for (const card of fresh) {
          seen.add(card.id);
          queue.append(document.importNode(card, true));
        }
        if (lastLook) {
          next = page.querySelector(".pager [rel=next]")?.getAttribute("href");
          showEmpty(page);
        }
        if (then === sent) takeCounts(page);
        document.querySelector(".pager")?.remove();
        if (!current && cards().length) show(cards()[0]);
        count();
      } catch {
        failed = true;
        if (!left) warn("The next comments could not be loaded. Reload the page for them.");
      } finally {
        filling = false;
        if ((next && cards().length < LOW && !failed) || then !== sent) refill();
      }
    }

    /** Take the counts of the lists, and how long comments wait, from a page just read, unless decisions are under way that it does not know. */
    function takeCounts(page) {
      if (outbox.length) return;
      for (const tab of page.querySelectorAll(".tabs [data-list]")) {
        const count = tab.querySelector(".count").textContent;
        document.querySelector(`.tabs [data-list="${tab.dataset.list}"] .count`).textContent = count;
      }
      document.querySelector(".ageing").replaceWith(document.importNode(page.querySelector(".ageing"), true));
    }

    function firstPage() {
      const address = new URL(location.href);
      address.searchParams.delete("cursor");
      address.hash = "";
      return address.href;
    }

    function isPending(card) {
      return Boolean(document.getElementById(card.id)) || outbox.some((each) => each.cards?.some((one) => one.id === card.id));
    }

    function showEmpty(page) {
      const empty = page.querySelector("[data-queue] .empty");
      if (!empty || cards().length) return;
      queue.querySelector(".empty")?.remove();
      const shown = document.importNode(empty, true);
      queue.append(shown);
      document.querySelector(".under")?.remove();
      shown.focus();
    }

    /** What has not been sent when the page is left is sent now; the browser sees to it after the page is gone. */
    function sendTheRest() {
      for (const each of outbox.filter((one) => !one.sending || one.waits)) {
        if (each.undoes && !each.undoes.at) continue;
        const [address, body] = each.undoes ? [UNDO, undoing(each.undoes)] : [each.address, new URLSearchParams(each.body)];
        fetch(address, { method: "POST", body, keepalive: true, redirect: "manual" });
      }
    }

    /** Ask before the page is left with what it alone knows: words not sent, an undo of what is just being decided. */
    function ask(event) {
      const form = writing();
      if ((form && isChanged(form) && !form.dataset.plainly) || outbox.some((each) => each.undoes && !each.undoes.at)) event.preventDefault();
    }

    // Replying, editing, pinning

    /** Open the form for a reply or an edit below its comment rather than on the comment's own page. */
    function open(event) {
      const link = event.target.closest("a[data-key]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      const form = writing();
      if (form && isChanged(form)) form.querySelector("textarea").focus();
      else write(link);
    }

    async function write(link) {
      const card = link.closest(".item");
      opening = true;
      try {
        const page = await read(link.href);
        const form = document.importNode(page.querySelector(link.hash).form, true);
        if (!card.isConnected) return;
        writing()?.remove();
        form.classList.add("writing");
        // A text that has changed since it was shown here is not answered unread.
        form.elements.version.value = card.querySelector("[name=pick]").value.split(" ")[1];
        form.querySelector(".actions").append(button("Cancel", () => close(form)));
        card.querySelector(".item-notes").before(form);
        mark(card);
        form.querySelector("textarea").focus({ preventScroll: true });
        form.scrollIntoView({ block: "nearest" });
      } catch {
        location.assign(link.href);
      } finally {
        opening = false;
      }
    }

    function writing() {
      return queue.querySelector(".writing");
    }

    function isChanged(form) {
      const box = form.querySelector("textarea");
      return box.value !== box.defaultValue;
    }

    function close(form) {
      const card = form.closest(".item");
      form.remove();
      show(card);
    }

    /** Send a form that changes a comment, and show the comment as the page that answers has it. */
    async function change(form, submitter) {
      if (form.ariaBusy === "true") return;
      const card = form.closest(".item");
      form.ariaBusy = "true";
      const [status, page] = await submitted(form, submitter);
      form.ariaBusy = null;
      if (page?.querySelector("[data-queue]")) {
        changed(card, page);
      } else if (status === 409 || status === 422) {
        // The page that answers says why, beside the comment as it is now and with what was typed.
        form.dataset.plainly = "yes";
        form.requestSubmit(submitter);
      } else {
        const reason = REASONS[status] ?? `it was refused (${status}).`;
        complain(card, reason, "Not sent");
        warn(`Not sent: ${reason}`);
        (form.querySelector("textarea") ?? card).focus();
      }
    }

    async function submitted(form, submitter) {
      try {
        const body = new URLSearchParams(new FormData(form, submitter));
        const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "text/html" } });
        return [answer.redirected && answer.ok ? 0 : answer.status, new DOMParser().parseFromString(await answer.text(), "text/html")];
      } catch {
        return ["lost", null];
      }
    }

    function changed(card, page) {
      for (const old of document.querySelectorAll(".messages:not(#said), #said .notice-done")) old.remove();
      for (const note of page.querySelectorAll(".messages .notice")) said.append(document.importNode(note, true));
      const found = page.getElementById(card.id);
      if (found) {
        const fresh = document.importNode(found, true);
        card.replaceWith(fresh);
        show(fresh);
        count();
      } else {
        remove([card]);
      }
      takeCounts(page);
    }

    // Keys

    function press(event) {
      const form = event.target.closest(".writing");
      if (form && event.key === "Escape" && !isChanged(form)) return close(form);
      const typing = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
      if (opening || (!keysOn.checked && event.key !== "?")) return;
      if (typing || help.open || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      const reason = /^[1-9]$/.test(event.key) && current?.querySelector(".with-reason[open]");
      const act = reason ? () => reason.querySelectorAll("[type=button]")[event.key - 1]?.click() : ACTIONS[event.key];
      if (!act) return;
      event.preventDefault();
      if (!event.repeat || event.key === "j" || event.key === "k") act();
    }

    const ACTIONS = {
      a: () => decideBy("approve"),
      r: () => decideBy("reject"),
      s: () => decideBy("spam"),
      h: () => decideBy("hold"),
      j: () => go(1),
      k: () => go(-1),
      x: () => current?.querySelector(".pick input")?.click(),
      u: undo,
      c: () => follows("c"),
      e: () => follows("e"),
      p: () => follows("p"),
      R: giveReason,
      "?": () => help.showModal(),
    };

    /** Decide on what is selected, else on the current comment, by pressing the button that a mouse would. */
    function decideBy(action) {
      const form = bulk && !bulk.hidden ? bulk : current?.querySelector("form.decide");
      form?.querySelector(`button[value=${action}]`)?.click();
    }

    function follows(key) {
      current?.querySelector(`[data-key=${key}]`)?.click();
    }

    function giveReason() {
      const details = current?.querySelector(".with-reason");
      if (!details) return;
      details.open = true;
      offerReasons(details);
      details.querySelector("[type=button], input, a").focus();
    }

    /** Let the reasons of the comment's site be pressed, which stand in the page once. */
    function offerReasons(details) {
      const card = details.closest(".item");
      const link = details.querySelector("a");
      const reasons = document.getElementById(`rejections-${card.dataset.site}`);
      if (!link || !reasons) return;
      const decides = card.querySelector("form.decide");
      const offered = reasons.content.cloneNode(true);
      const [field, reject] = offered.querySelectorAll("input, [name=action]");
      decides.id = `decide-${card.id}`;
      for (const control of [field, reject]) control.setAttribute("form", decides.id);
      for (const reason of offered.querySelectorAll("[type=button]")) {
        reason.addEventListener("click", () => {
          field.value = reason.textContent;
          reject.click();
        });
      }
      link.replaceWith(offered);
    }

    // Storage can be refused; the keys then stay on.
    function remembered() {
      try {
        return localStorage.getItem("feedback:keys");
      } catch {
        return null;
      }
    }

    function remember(value) {
      try {
        localStorage.setItem("feedback:keys", value);
      } catch {
        // Only this page knows, then.
      }
    }
  }
})();
