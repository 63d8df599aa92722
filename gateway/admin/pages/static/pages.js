// What the pages do better with a script: local times, copying, searching scopes. Each works without it, too.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

for (const element of all("[data-needs-script]")) element.hidden = false;

// Times in the reader's zone and language.
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const second = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const hour = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function ago(seconds) {
  for (const [name, length] of units) {
    if (seconds >= length) return `${counted(Math.floor(seconds / length), name)} ago`;
  }
  return "just now";
}

function left(seconds) {
  const parts = [];
  for (const [name, length] of units) {
    const number = Math.floor(seconds / length);
    seconds -= number * length;
    if (number > 0 && parts.length < 2) parts.push(counted(number, name));
  }
  return parts.join(" ") || "less than a minute";
}

function tellTimes() {
  for (const element of all("time")) {
    const at = new Date(element.dateTime);
    const data = element.dataset;
    if ("moment" in data) element.textContent = moment.format(at);
    else if ("second" in data) element.textContent = second.format(at);
    else if ("day" in data) element.textContent = day.format(at);
    else if ("ago" in data) element.textContent = ago((Date.now() - at) / 1000);
    else if ("left" in data) element.textContent = left(Math.max(0, (at - Date.now()) / 1000));
    element.title = exact.format(at);
  }
}
tellTimes();
setInterval(tellTimes, 30000);

// A chart of hours is drawn in UTC: its labels become the reader's.
for (const element of all("[data-hour]")) {
  const at = new Date(element.dataset.hour);
  const title = element.querySelector("title");
  if (title) title.textContent = title.textContent.replace(/^.*? – /, `${moment.format(at)} – `);
  else element.textContent = hour.format(at);
}
for (const element of all("[data-zone]")) {
  element.textContent = `Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`;
}

// What was just done is told once: a reload shall not tell it again.
if (document.querySelector("[data-told]")) {
  const here = new URL(location.href);
  here.searchParams.delete("done");
  history.replaceState(null, "", here);
}

// Menus close on a press elsewhere, and on Escape.
document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of all("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A form is sent once. The server holds it to that as well.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of all("button", form)) button.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", () => {
  for (const form of all("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of all("button", form)) button.removeAttribute("aria-disabled");
  }
});

// The token: copied with a press; gone from the page when it is left; a reload goes on instead of asking again.
const secretPage = document.querySelector("[data-secret-page]");
if (secretPage) {
  history.replaceState(null, "", secretPage.dataset.onward);
  const told = document.querySelector("[data-copied]");
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      let copied = true;
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        // Without TLS browsers have no clipboard for pages; the older way still works.
        copied = document.execCommand("copy");
      }
      button.querySelector("span").textContent = copied ? "Copied" : "Press Ctrl+C";
      told.textContent = copied ? "Copied." : "It is selected: copy it with Ctrl+C.";
    });
  }
  for (const field of all("[data-secret]")) field.addEventListener("focus", () => field.select());
  addEventListener("pagehide", () => {
    for (const field of all("[data-secret]")) field.value = "";
  });
}

// The route map: search while typing, where all of it is here.
const routeSearch = document.querySelector("[data-route-search]");
if (routeSearch && !routeSearch.defaultValue) {
  const services = all("[data-route-service]").map((element) => ({
    element,
    tally: element.querySelector("[data-route-tally]"),
    routes: all("[data-route]", element),
  }));
  routeSearch.addEventListener("input", () => {
    const words = routeSearch.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { element, tally, routes } of services) {
      let here = 0;
      for (const route of routes) {
        const fits = words.every((word) => route.dataset.route.includes(word));
        route.hidden = !fits;
        here += fits;
      }
      element.hidden = here === 0;
      element.open = words.length > 0;
      tally.textContent = here;
      shown += here;
    }
    document.querySelector("[data-route-count]").textContent = shown;
    document.querySelector("[data-route-nothing]").hidden = shown > 0;
  });
}

// Choosing how long both tokens work: until when that is.
for (const select of all("[data-window]")) {
  const end = document.getElementById(select.dataset.window).querySelector("time");
  const tell = () => {
    end.dateTime = new Date(Date.now() + parseInt(select.value, 10)).toISOString();
    tellTimes();
  };
  select.addEventListener("change", tell);
  tell();
}

// Choosing scopes: search by words, name or call, and see what is chosen.
const picker = document.querySelector("[data-picker]");
if (picker) {
  const search = document.getElementById("scope-search");
  const only = picker.querySelector("[data-only]");
  const summary = document.querySelector("[data-summary]");
  const services = all("[data-service]", picker).map((element) => ({
    element,
    tally: element.querySelector("[data-tally]"),
    scopes: all("[data-scope]", element).map((label) => ({ label, text: label.dataset.scope, box: label.querySelector("input") })),
  }));

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const service of services) {
      let here = 0;
      for (const { label, text, box } of service.scopes) {
        const fits = words.every((word) => text.includes(word)) && (!only.checked || box.checked);
        label.hidden = !fits;
        here += fits;
      }
      service.element.hidden = here === 0;
      shown += here;
    }
    picker.querySelector("[data-nothing]").hidden = shown > 0;
  };

  const count = () => {
    const parts = [];
    let sum = 0;
    for (const service of services) {
      const here = service.scopes.filter(({ box }) => box.checked).length;
      service.tally.textContent = here;
      sum += here;
      if (here) parts.push(service.element.querySelector("legend").firstChild.textContent.trim());
    }
    picker.querySelector("[data-count]").textContent = sum;
    const names = parts.length > 4 ? `${parts.slice(0, 4).join(", ")} and ${parts.length - 4} more` : parts.join(", ");
    summary.textContent = `${counted(sum, "scope")} selected${names ? `: ${names}` : ""}`;
  };

  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  only.addEventListener("change", filter);
  picker.addEventListener("change", count);
  count();
}
