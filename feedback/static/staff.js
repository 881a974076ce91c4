/* Keys, counts and a help dialog for the moderation queue. Every page works without this script. */
"use strict";

(() => {
  const queue = document.querySelector("[data-queue]");
  document.addEventListener("click", closeMenus);
  document.addEventListener("submit", sendOnce);
  window.addEventListener("pageshow", forgetSending);
  document.addEventListener("visibilitychange", checkAgain);
  if (queue) moderate(queue);

  /** An open menu closes when something else is clicked. */
  function closeMenus(event) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  }

  /** A double click decides once: the second would only learn that the first has happened. */
  function sendOnce(event) {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    const card = form.closest(".item");
    if (card) {
      card.classList.add("busy");
      card.setAttribute("aria-busy", "true");
    }
  }

  /** A page that comes back out of the browser's memory may be used again. */
  function forgetSending() {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const card of document.querySelectorAll(".item.busy")) {
      card.classList.remove("busy");
      card.removeAttribute("aria-busy");
    }
  }

  /** Whoever comes back from trying something out sees at once whether it worked. */
  function checkAgain() {
    if (document.visibilityState === "visible" && document.querySelector("[data-live]")) location.reload();
  }

  function moderate(queue) {
    const cards = [...queue.querySelectorAll(".item")];
    const bulk = document.getElementById("bulk");
    const help = document.getElementById("keys");
    const keysOn = document.getElementById("keys-on");
    const all = document.getElementById("all");
    let current = -1;

    document.documentElement.classList.add("scripted");
    for (const hidden of document.querySelectorAll("[data-scripted]")) hidden.hidden = false;
    queue.addEventListener("change", count);
    queue.addEventListener("focusin", (event) => mark(cards.indexOf(event.target.closest(".item"))));
    if (all) all.addEventListener("change", selectAll);
    if (help) {
      document.getElementById("help").addEventListener("click", () => help.showModal());
      keysOn.checked = remembered() !== "off";
      keysOn.addEventListener("change", () => remember(keysOn.checked ? "on" : "off"));
      document.addEventListener("keydown", press);
    }
    count();
    if (cards.length) start();

    /** Begin where the address points, which is the item after the one decided last. */
    function start() {
      const named = cards.findIndex((card) => `#${card.id}` === location.hash);
      mark(Math.max(named, 0));
      if (named >= 0) cards[named].focus({ preventScroll: true });
    }

    function mark(index) {
      if (index < 0 || index === current) return;
      cards[current]?.classList.remove("current");
      current = index;
      cards[current].classList.add("current");
    }

    function go(step) {
      if (!cards.length) return;
      mark(Math.min(Math.max(current + step, 0), cards.length - 1));
      cards[current].focus({ preventScroll: true });
      cards[current].scrollIntoView({ block: "nearest" });
    }

    function boxes() {
      return cards.map((card) => card.querySelector(".pick input")).filter(Boolean);
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
      document.getElementById("chosen").textContent = `${chosen.length} selected`;
      all.checked = chosen.length > 0 && chosen.length === boxes().length;
      all.indeterminate = chosen.length > 0 && !all.checked;
    }

    /** Decide on what is selected, else on the current item, by pressing the button that a mouse would. */
    function decide(action) {
      const form = bulk && !bulk.hidden ? bulk : cards[current]?.querySelector("form.decide");
      form?.querySelector(`button[value=${action}]`)?.click();
    }

    function press(event) {
      const typing = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
      if (!keysOn.checked && event.key !== "?") return;
      if (typing || help.open || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      const act = ACTIONS[event.key];
      if (!act) return;
      event.preventDefault();
      if (!event.repeat || event.key === "j" || event.key === "k") act();
    }

    const ACTIONS = {
      a: () => decide("approve"),
      r: () => decide("reject"),
      s: () => decide("spam"),
      h: () => decide("hold"),
      j: () => go(1),
      k: () => go(-1),
      x: () => cards[current]?.querySelector(".pick input")?.click(),
      u: () => document.querySelector("[data-undo]")?.click(),
      R: giveReason,
      "?": () => help.showModal(),
    };

    function giveReason() {
      const details = cards[current]?.querySelector(".with-reason");
      if (!details) return;
      details.open = true;
      details.querySelector("input[name=reason]").focus();
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
