// Keeps parts of a page fresh: fetches the page again and replaces what changed. Without script everything still works.
"use strict";

const PAUSE_MS = 3000;

/** A part is left alone while somebody works in it: an open form must not lose what was typed. */
function isInUse(part) {
  if (part.contains(document.activeElement)) return true;
  const fields = part.querySelectorAll("textarea, input:not([type=hidden]), select");
  return [...fields].some((field) =>
    field.tagName === "SELECT"
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : field.value !== field.defaultValue,
  ) || part.querySelector("details[open]") !== null;
}

async function refresh() {
  const parts = document.querySelectorAll("[data-live]");
  if (parts.length === 0 || document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const newer = fresh.getElementById(part.id);
    if (newer && !isInUse(part) && newer.outerHTML !== part.outerHTML) {
      part.replaceWith(document.adoptNode(newer));
    }
  }
}

setInterval(() => {
  refresh().catch(() => {
    // The hub is away for a moment; the next look comes soon.
  });
}, PAUSE_MS);
