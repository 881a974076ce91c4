/* For publishers who put the page into a frame: gives each frame of this service the height it asks for.
 *
 *   <script async src="https://feedback.example/embed.js"></script>
 *   <iframe src="https://feedback.example/f/health?article=baclofen-neck-pain&amp;frame=1"
 *           title="Did this article help you?" width="100%" height="900"></iframe>
 *
 * A height is taken only from a frame of this page, and only while that frame shows the service itself.
 */
(() => {
  "use strict";

  const SERVICE = new URL(document.currentScript.src).origin;
  const TALLEST = 1_000_000; // pixels; browsers draw nothing taller
  const ours = (frame) => frame.localName === "iframe" && frame.src.startsWith(SERVICE + "/f/");

  const greet = (frame) => {
    frame.style.border = "0"; // what it shows has a border of its own
    frame.contentWindow.postMessage({ type: "feedback:hello" }, SERVICE);
  };

  addEventListener("message", ({ source, origin, data }) => {
    if (origin !== SERVICE || data?.type !== "feedback:height") return;
    const { height } = data;
    const frame = [...document.querySelectorAll("iframe")].find(({ contentWindow }) => contentWindow === source);
    if (frame && Number.isInteger(height) && height > 0 && height < TALLEST) frame.style.height = height + "px";
  });

  // Each page that a frame comes to show is greeted anew, and so learns who asks.
  document.addEventListener("load", ({ target }) => ours(target) && greet(target), true);
  for (const frame of document.querySelectorAll("iframe")) {
    // One that still shows the empty page it began with has its `load` before it.
    if (ours(frame) && !frame.contentDocument) greet(frame);
  }
})();
