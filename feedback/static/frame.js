/* In a frame: tells the page around it how tall it is, if that page lies on one of the site's origins.
 *
 * The page around is known by its word ("feedback:hello", from embed.js), which the browser signs with its origin;
 * some browsers name it without that. Nothing is sent to any other page, whatever it asks.
 */
(() => {
  "use strict";

  if (parent === window) return;
  const root = document.documentElement;
  const listed = root.dataset.origins.split(" ");
  let around; // the origin of the page around, once it is known to be listed
  let told; // the height it knows

  const tell = () => {
    const height = Math.ceil(root.getBoundingClientRect().height);
    if (!around || height === told) return;
    told = height;
    parent.postMessage({ type: "feedback:height", height }, around);
  };

  const meet = (origin) => {
    if (!listed.includes(origin)) return;
    around = origin;
    told = 0;
    tell();
  };

  addEventListener("message", ({ source, origin, data }) => {
    if (source === parent && data?.type === "feedback:hello") meet(origin);
  });
  meet(location.ancestorOrigins?.[0]);
  new ResizeObserver(tell).observe(root);
})();
