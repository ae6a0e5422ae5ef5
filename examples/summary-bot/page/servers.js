"use strict";

// The schedules of a server, and what it used: as far as the service shows them to whoever asks.

const SCHEDULES = "/api/v1/schedules";

/** Offers the servers in common with the bot; to operators all of them together. */
async function servers() {
  const me = await ask("/api/v1/me").catch(() => null);
  const all = me && (me.kind !== "session" || me.scopes.some((scope) => scope === "*" || scope === "admin"));
  const choices = me ? me.guilds.map(({ id, name }) => el("option", { value: id }, name)) : [];
  if (all) choices.unshift(el("option", { value: "" }, "All servers"));
  by("servers").hidden = !choices.length;
  by("server").replaceChildren(...choices);
  if (choices.length) await showServer();
}

function noServers() {
  by("servers").hidden = true;
  by("server").replaceChildren();
  by("schedules").replaceChildren();
  by("usage").replaceChildren();
}

async function showServer() {
  const id = by("server").value;
  const of = id ? `guild_id=${id}` : "";
  const [schedules, usage] = await Promise.allSettled([
    ask(`${SCHEDULES}?limit=100&${of}`), ask(`/api/v1/usage?${of}`),
  ]);
  if (by("server").value !== id) return; // another was chosen meanwhile
  by("schedules").replaceChildren(...rows(schedules, (page) => page.items.map(schedule), "None yet. /schedule create in Discord makes one."));
  by("usage").replaceChildren(...rows(usage, used, "No language model was asked in the last 30 days."));
}

/** What was answered, or why it was not. */
function rows(outcome, row, none) {
  if (outcome.status === "rejected") return [el("p", { className: "help" }, outcome.reason.message)];
  const found = row(outcome.value);
  return found.length ? found : [el("p", { className: "help" }, none)];
}

function schedule(it) {
  const time = (at) => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const next = it.next_times.length ? `next ${time(it.next_times[0])}` : it.state;
  const last = it.last_run ? `, last ${time(it.last_run)}: ${it.last_outcome}` : "";
  const reason = it.last_error || it.paused_because;
  const act = (words, what) => el("button", {
    type: "button", className: "plain", "aria-label": `${words} ${it.name}`, on: { click: () => change(it, what, words) },
  }, words);
  return el("div", { className: "entry", "data-schedule": it.id },
    el("div", {},
      el("strong", {}, it.name),
      el("p", { className: "meta" }, `${it.timing.kind}, ${next}${last}`),
      reason ? el("p", { className: "excerpt" }, reason) : "",
      it.last_summary ? el("a", { href: `#${it.last_summary.split("/").pop()}` }, "Its last summary") : ""),
    el("div", { className: "row" },
      act("Run now", "run"), it.state === "paused" ? act("Resume", "resume") : act("Pause", "pause")));
}

async function change(it, what, words) {
  const told = by("told");
  try {
    await ask(`${SCHEDULES}/${it.id}/${what}`, { method: "POST" });
    told.textContent = `${words}: ${it.name}`;
  } catch (error) {
    told.textContent = error.message;
  }
  await showServer();
}

function used(usage) {
  const dollars = (cost) => `$${(cost / 1e6).toFixed(4)}`;
  const line = (name, it) => el("tr", {},
    el("th", { scope: "row" }, name), el("td", {}, it.model || "all"), el("td", {}, it.summaries.toLocaleString("en")),
    el("td", {}, (it.input_tokens + it.output_tokens).toLocaleString("en")), el("td", {}, dollars(it.cost_microdollars)));
  if (!usage.days.length) return [];
  const heads = ["Day (UTC)", "Model", "Summaries", "Tokens", "Cost"].map((words) => el("th", { scope: "col" }, words));
  return [el("div", { className: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, heads)),
    el("tbody", {}, [...usage.days].reverse().map((it) => line(it.day, it)), line("30 days", usage.total))))];
}

addEventListener("DOMContentLoaded", () => by("server").addEventListener("change", showServer));
