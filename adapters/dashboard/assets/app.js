// Keeps parts of a page fresh: fetches the page again and replaces what changed. Without script everything still works.
"use strict";

const PAUSE_MS = 3000;
// Looking must not keep a session open that nobody uses: it ends half an hour after the last look.
const AWAY_MS = 10 * 60 * 1000;
const MENTION_MS = 8000;

/** What the hub last said of each part: the part itself changes under a person's hands, by a resized field for one. */
const seen = new Map();
let lastTouch = Date.now();
let isSignedOut = false;

function liveParts(root) {
  return [...root.querySelectorAll("[data-live]")];
}

/** A part is left alone while somebody works in it: an open form must not lose what was typed. */
function isInUse(part) {
  if (part.contains(document.activeElement)) return true;
  const fields = [...part.querySelectorAll("textarea, input:not([type=hidden]), select")];
  return fields.some((field) =>
    field.tagName === "SELECT"
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : field.value !== field.defaultValue,
  );
}

/** Tells what happened where nobody may be looking; screen readers read it out. */
function say(words) {
  const news = document.getElementById("news");
  if (news.textContent !== words) news.textContent = words;
}

/** The same, for what is over in a moment. */
function mention(words) {
  say(words);
  setTimeout(() => {
    if (document.getElementById("news").textContent === words) say("");
  }, MENTION_MS);
}

function titleOf(part) {
  return part.querySelector("h1, h2")?.textContent ?? document.querySelector("h1").textContent;
}

/** Puts the newer part in the older one's place; what was unfolded stays so. */
function replace(part, newer) {
  const open = [...part.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
  for (const summary of newer.querySelectorAll("details > summary")) {
    summary.parentElement.open = open.includes(summary.textContent);
  }
  part.replaceWith(document.adoptNode(newer));
}

function update(part, newer) {
  const html = newer.outerHTML;
  if (seen.get(part.id) === html) return;
  if (!isInUse(part)) {
    seen.set(part.id, html);
    if (newer.dataset.state !== part.dataset.state) mention(`Changed: ${titleOf(newer)}.`);
    replace(part, newer);
  } else if (newer.dataset.state !== part.dataset.state) {
    say(`Changed meanwhile: ${titleOf(part)}. What you typed is still here; load the page again to see what is new.`);
  }
}

async function refresh() {
  const isAway = document.hidden || Date.now() - lastTouch > AWAY_MS;
  if (isAway || isSignedOut || liveParts(document).length === 0) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
  if (answer.type === "opaqueredirect") {
    isSignedOut = true;
    say("You are signed out. What you see here may be old.");
    return;
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of liveParts(document)) {
    const newer = fresh.getElementById(part.id);
    if (newer) update(part, newer);
  }
}

for (const part of liveParts(document)) seen.set(part.id, part.outerHTML);
for (const touch of ["pointermove", "pointerdown", "keydown", "scroll"]) {
  addEventListener(touch, () => { lastTouch = Date.now(); }, { passive: true });
}
setInterval(() => {
  refresh().catch(() => {
    // The hub is away for a moment; the next look comes soon.
  });
}, PAUSE_MS);
