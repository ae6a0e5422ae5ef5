"use strict";

// Everything that comes from a conversation goes into the page as text, never as markup.

const SUMMARIES = "/api/v1/summaries";
const by = (id) => document.getElementById(id);

let file = null; // what was dropped or chosen, instead of the text
let shown = null; // the id of the summary on the page
let next = null; // the cursor of the next page of the list

/** An element with properties and children; strings become text. */
function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== ""));
  return element;
}

const say = (words) => { by("status").textContent = words; };

function complain(words) {
  const problem = by("problem");
  problem.textContent = words;
  problem.hidden = !words;
}

/** The answer's JSON; an error with words for people where it is a problem. */
async function ask(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Error("The service does not answer. Is it running?");
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({}));
  const error = new Error(problem.detail || `The service answers ${response.status}.`);
  error.status = response.status;
  throw error;
}

// --- A new summary

function choose(chosen) {
  file = chosen;
  by("chosen").hidden = !file;
  by("text").disabled = Boolean(file);
  by("chosen-name").textContent = file ? `${file.name} (${size(file.size)})` : "";
  by("file").value = "";
  complain("");
}

const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

async function submit(event) {
  event.preventDefault();
  const body = file || by("text").value;
  const head = file ? await file.slice(0, 4096).text() : body;
  if (!head.trim()) {
    complain("Paste a conversation, or choose a file.");
    by("text").focus();
    return;
  }
  complain("");
  say("Summarising");
  const button = by("submit");
  button.disabled = true;
  button.textContent = "Summarising…";
  try {
    const answer = await ask(`${SUMMARIES}?${query(head)}`, {
      method: "POST", headers: { "content-type": looksLikeJson(head) ? "application/json" : "text/plain" }, body,
    });
    // A large conversation is summarised later: then the answer is a job.
    const summary = answer.state ? await ask((await finished(answer, button)).summary) : answer;
    history.pushState(null, "", `#${summary.id}`);
    show(summary);
    list();
  } catch (error) {
    complain(error.message);
    say("");
  } finally {
    button.disabled = false;
    button.textContent = "Summarise";
  }
}

/** Waits until a job has ended, and shows how far it is. */
async function finished(job, button) {
  while (job.state === "pending") {
    button.textContent = `Summarising… ${job.percent} %`;
    await new Promise((wake) => setTimeout(wake, 1000));
    job = await ask(`/api/v1/jobs/${job.id}`);
  }
  if (job.state === "succeeded") return job;
  throw new Error(job.problem?.detail || "The job was called off.");
}

function query(head) {
  const query = new URLSearchParams({ length: by("length").value, perspective: by("perspective").value });
  // An export has a name of its own.
  if (file && !/^\s*\{/.test(head)) query.set("title", file.name);
  return query;
}

/** `[14:03] <anna> hello` is a log, `[{` an array. */
const looksLikeJson = (head) => /^\ufeff?\s*(\{|\[\s*([[{"\]]|$))/.test(head);

async function useSample() {
  const sample = await fetch("/sample.json");
  choose(null);
  by("text").value = await sample.text();
  by("submit").focus();
}

// --- The summary

function show(summary) {
  shown = summary.id;
  const numbers = new Map(summary.citations.map((message, at) => [message.id, { ...message, number: at + 1 }]));
  const cites = (ids) => ids.map((id) => numbers.get(id)).filter(Boolean).slice(0, 5).map(cite);
  const cited = (text, ids) => keepTogether(text, cites(ids));
  const who = (name) => (name ? [el("span", { className: "who" }, name), ": "] : []);
  const point = (it) => el("li", {}, who(it.speaker), cited(it.text, it.messages));
  const sentences = summary.sentences.flatMap((it) => [...cited(it.text, it.messages), " "]);
  const language = summary.metadata.language === "und" ? "" : summary.metadata.language;

  const result = by("result");
  result.replaceChildren(
    el("div", { className: "head" },
      el("div", {}, el("h2", { id: "result-title" }, summary.title), el("p", { className: "meta" }, facts(summary))),
      deleteButton(summary.id, summary.title)),
    ...summary.metadata.warnings.map((it) => el("p", { className: "notice" }, it.message)),
    el("p", { className: "lead", id: "summary-text", lang: language }, sentences.length ? sentences : summary.summary_text),
    ...section("Key points", summary.key_points, point),
    ...section("Decisions", summary.decisions, point),
    ...section("Action items", summary.action_items, (it) => el("li", {},
      it.description, " ",
      it.assignee ? el("span", { className: "tag" }, it.assignee) : "",
      it.deadline ? el("span", { className: "tag" }, it.deadline) : "",
      it.priority === "medium" ? "" : el("span", { className: `tag ${it.priority}` }, `${it.priority} priority`),
      cites(it.messages))),
    ...section("Open questions", summary.open_questions, point),
    ...section("Technical terms", summary.technical_terms, (it) => el("li", {}, it.term, cites(it.messages.slice(0, 1))), "terms"),
    ...section("Participants", summary.participants, (it) => el("li", {},
      el("span", { className: "who" }, it.name), ` (${count(it.message_count, "message")})`,
      it.key_contribution ? [": ", ...cited(it.key_contribution, it.messages)] : "")),
  );
  result.hidden = false;
  result.focus({ preventScroll: true });
  result.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  say("The summary is ready");
  document.title = `${summary.title} · Summary Bot`;
}

/** No line begins with a citation: it stays with the last word. */
function keepTogether(text, cites) {
  // Of a word that is longer than a line only its end stays.
  const at = Math.max(text.lastIndexOf(" ") + 1, text.length - 24);
  const [first, ...rest] = cites;
  return [text.slice(0, at), el("span", { className: "keep" }, text.slice(at), first || ""), ...rest];
}

function hide() {
  shown = null;
  by("result").hidden = true;
  by("result").replaceChildren();
  document.title = "Summary Bot";
}

function section(title, entries, row, className = "points") {
  if (!entries.length) return [];
  return [el("h3", {}, title), el("ul", { className }, entries.map(row))];
}

const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

function facts(summary) {
  const { messages_counted: messages, participant_count: people, summary_words: words, first_message: first, last_message: last } = summary.metadata;
  const range = first && last ? `, ${first} to ${last}` : "";
  return `${count(words, "word")} from ${count(messages, "message")} by ${count(people, "person").replace("persons", "people")}${range}`;
}

/** A number that opens the message it stands for. */
function cite(message) {
  const time = message.time ? `, ${message.time}` : "";
  return el("button", {
    type: "button", className: "cite", "aria-label": `Message ${message.number}, by ${message.author}${time}`,
    "aria-haspopup": "dialog", "data-message": message.id, on: { click: () => open(message) },
  }, String(message.number));
}

function open(message) {
  by("message-author").textContent = message.author;
  by("message-time").textContent = message.time || "";
  by("message-text").textContent = message.text;
  by("message").showModal();
}

/** Asks once more in place before it deletes. */
function deleteButton(id, title) {
  let sure = false;
  const calm = () => { sure = false; button.textContent = "Delete"; };
  const button = el("button", {
    type: "button", className: "plain", "aria-label": `Delete ${title}`,
    on: {
      blur: calm,
      click: async () => {
        if (!sure) {
          sure = true;
          button.textContent = "Really delete?";
          say(`Press again to delete ${title}`);
          return;
        }
        await remove(id);
      },
    },
  }, "Delete");
  return button;
}

async function remove(id) {
  try {
    await ask(`${SUMMARIES}/${id}`, { method: "DELETE" });
  } catch (error) {
    if (error.status !== 404) return complain(error.message);
  }
  if (shown === id) {
    hide();
    history.replaceState(null, "", location.pathname);
  }
  await list();
  say("Deleted");
  by("earlier-title").scrollIntoView({ block: "nearest" });
}

// --- Earlier summaries

async function list(cursor = null) {
  try {
    const page = await ask(`${SUMMARIES}?limit=10${cursor ? `&cursor=${cursor}` : ""}`);
    const rows = page.items.map(entry);
    if (cursor) by("earlier").append(...rows);
    else by("earlier").replaceChildren(...rows);
    next = page.next_cursor;
    by("more").hidden = !next;
    by("none").hidden = by("earlier").children.length > 0;
    if (cursor && rows.length) rows[0].querySelector("a").focus();
  } catch (error) {
    complain(error.message);
  }
}

function entry(it) {
  const when = new Date(it.created_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const people = count(it.participant_count, "person").replace("persons", "people");
  return el("li", {},
    el("div", {},
      el("a", { href: `#${it.id}` }, it.title),
      el("p", { className: "meta" }, `${when}, ${count(it.message_count, "message")} by ${people}`),
      el("p", { className: "excerpt" }, it.excerpt)),
    deleteButton(it.id, it.title));
}

/** Shows what the address names. */
async function follow() {
  const id = location.hash.slice(1);
  if (!id) return hide();
  if (id === shown || !/^[0-9a-f-]{36}$/.test(id)) return;
  try {
    show(await ask(`${SUMMARIES}/${id}`));
  } catch (error) {
    hide();
    complain(error.message);
  }
}

// --- Who is here

const WHY = {
  "refused": "Discord says that you did not agree. Nobody was signed in.",
  "no-common-server": "You are in none of the servers that this bot serves.",
  "not-started": "That took too long, or was begun in another window. Sign in once more.",
};

/** Shows the page to whoever may use it, and to others how they could. */
async function enter() {
  const state = await ask("/auth/state").catch((error) => ({ known: false, error }));
  const why = new URLSearchParams(location.search).get("sign-in");
  if (why) history.replaceState(null, "", location.pathname + location.hash);
  by("sign-in").hidden = state.known || !state.sign_in;
  by("sign-in").href = `/auth/login?return_to=${encodeURIComponent(location.pathname + location.hash)}`;
  by("sign-out").hidden = state.kind !== "session";
  by("who").textContent = state.kind === "session" ? state.name : "";
  by("inside").hidden = !state.known;
  by("closed").hidden = state.known;
  if (!state.known) {
    const how = state.sign_in ? "Sign in to make summaries, and to read those of your channels." : "Only API keys open this service.";
    by("closed").textContent = WHY[why] || (state.error ? state.error.message : how);
    return;
  }
  list();
  follow();
  servers();
}

async function signOut() {
  await ask("/auth/logout", { method: "POST" }).catch(() => null);
  hide();
  by("earlier").replaceChildren();
  noServers();
  await enter();
  by("sign-in").focus();
}

// --- Wiring

by("sign-out").addEventListener("click", signOut);

by("form").addEventListener("submit", submit);
by("sample").addEventListener("click", useSample);
by("unchoose").addEventListener("click", () => { choose(null); by("text").focus(); });
by("file").addEventListener("change", () => { if (by("file").files[0]) choose(by("file").files[0]); });
by("more").addEventListener("click", () => list(next));
addEventListener("hashchange", follow);

const drop = by("drop");
for (const event of ["dragenter", "dragover"]) {
  drop.addEventListener(event, (it) => { it.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", (it) => { if (!drop.contains(it.relatedTarget)) drop.classList.remove("over"); });
drop.addEventListener("drop", (it) => {
  it.preventDefault();
  drop.classList.remove("over");
  const text = it.dataTransfer.getData("text");
  if (it.dataTransfer.files[0]) choose(it.dataTransfer.files[0]);
  else if (text) { choose(null); by("text").value = text; }
});

enter();
