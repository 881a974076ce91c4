/* What all staff pages share: menus that close, forms that are sent once. Every page works without this script. */
"use strict";

(() => {
  document.addEventListener("click", closeMenus);
  document.addEventListener("submit", sendOnce);
  window.addEventListener("pageshow", forgetSending);
  document.addEventListener("visibilitychange", checkAgain);

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
})();
