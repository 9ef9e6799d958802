// What pages do beyond links and forms, where scripts run. Every page works without it.
//
// data-live="ID" on a form with method get: the part ID of the page follows what is typed and chosen.
// data-tail="URL" on a list: what the server sends comes on top. data-refresh="SECONDS": a part that renews itself.
// data-all="NAME" on a checkbox: ticks all of that name. data-copy="ID" on a button: copies that text.
"use strict";

const say = (text) => {
  let voice = document.getElementById("voice");
  if (!voice) {
    voice = document.createElement("p");
    voice.id = "voice";
    voice.className = "unseen";
    voice.setAttribute("role", "status");
    document.getElementById("main").append(voice);
  }
  voice.textContent = text;
};

// The part of another state of this page; null: it is gone, or could not be had.
const partOf = async (address, id, signal) => {
  const answer = await fetch(address, { signal, credentials: "same-origin" });
  if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
    location.assign(address); // signed out meanwhile
    return null;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.getElementById(id);
};

const live = (form) => {
  const id = form.dataset.live;
  let timer = 0;
  let under = null;
  const follow = async () => {
    const given = [...new FormData(form)].filter(([, value]) => value !== "");
    const address = `${form.getAttribute("action")}?${new URLSearchParams(given)}`;
    under?.abort();
    under = new AbortController();
    try {
      const part = await partOf(address, id, under.signal);
      if (!part) return;
      document.getElementById(id).replaceWith(part);
      ready(part);
      history.replaceState(null, "", address);
      say(part.dataset.summary || "The list has changed.");
    } catch (error) {
      if (error.name !== "AbortError") say("The list could not be brought up to date.");
    }
  };
  const soon = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(follow, delay);
  };
  form.addEventListener("input", (event) => soon(event.target.type === "search" ? 250 : 0));
};

const tail = (list) => {
  const address = new URL(list.dataset.tail, location.href);
  const most = Number(list.dataset.most || 100);
  let source = null;
  const follow = () => {
    source = new EventSource(address);
    source.addEventListener("message", (event) => {
      address.searchParams.set("after", event.lastEventId);
      const page = new DOMParser().parseFromString(event.data, "text/html");
      const rows = [...page.body.children].filter((row) => !document.getElementById(row.id));
      if (!rows.length) return; // what has come late is looked for, so some is sent again
      list.prepend(...rows);
      while (list.children.length > most) list.lastElementChild.remove();
      say(rows.length === 1 ? "One new entry." : `${rows.length} new entries.`);
    });
    source.addEventListener("end", () => location.reload()); // signed out meanwhile
  };
  // Browsers have few connections for a server: a page that nobody sees holds none.
  document.addEventListener("visibilitychange", () => {
    source?.close();
    if (!document.hidden) follow();
  });
  addEventListener("pagehide", () => source?.close());
  if (!document.hidden) follow();
};

const refresh = (part) => {
  setTimeout(async () => {
    try {
      const next = await partOf(location.href, part.id);
      if (!next || !part.isConnected) return;
      const held = part.contains(document.activeElement);
      part.replaceWith(next);
      if (held) document.getElementById("main").focus();
      if (!next.dataset.refresh) say(next.dataset.summary || "It is done.");
      ready(next);
    } catch {
      refresh(part); // the server is away for a moment
    }
  }, 1000 * Number(part.dataset.refresh));
};

const all = (box) => {
  const others = () => document.querySelectorAll(`input[type=checkbox][name="${box.dataset.all}"]`);
  box.hidden = false;
  box.addEventListener("change", () => {
    for (const each of others()) each.checked = box.checked;
    say(`${[...others()].filter((each) => each.checked).length} ticked.`);
  });
};

const copy = (button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    say("Copied.");
  });
};

const HOOKS = { live, tail, refresh, all, copy };

const ready = (root) => {
  for (const [name, hook] of Object.entries(HOOKS)) {
    if (root.dataset?.[name]) hook(root);
    for (const each of root.querySelectorAll(`[data-${name}]`)) hook(each);
  }
};

// A form that is on its way is not sent again.
addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.getAttribute("aria-busy")) event.preventDefault();
  event.target.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

// Of a navigation that is wider than the screen, the section that one is in is in sight.
const sections = document.querySelector(".sections");
const here = sections?.querySelector("[aria-current]");
if (here) sections.scrollLeft = here.offsetLeft - (sections.clientWidth - here.offsetWidth) / 2;

ready(document);
document.querySelector("[role=alert]")?.scrollIntoView({ block: "nearest" });
