"use strict";

// Shows /openapi.json; as text, whatever it says.

function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== ""));
  return element;
}

/** Text in which `this` is code. */
const rich = (text = "") => text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));

const schemaId = (reference) => reference.split("/").pop();

/** A schema in a few words, with links to those that have a name. */
function typed(schema) {
  if (!schema) return ["anything"];
  if (schema.$ref) return [el("a", { href: `#${schemaId(schema.$ref)}` }, schemaId(schema.$ref))];
  const either = schema.oneOf || schema.anyOf;
  if (either) return either.flatMap((one, at) => (at ? [" or ", ...typed(one)] : typed(one)));
  const types = [schema.type || "anything"].flat();
  if (schema.enum) return schema.enum.flatMap((value, at) => [at ? ", " : "", el("code", {}, JSON.stringify(value))]);
  if (types.includes("array")) return ["array of ", ...typed(schema.items), types.includes("null") ? " or null" : ""];
  const range = schema.maximum !== undefined ? ` from ${schema.minimum} to ${schema.maximum}` : "";
  return [types.join(" or "), range, schema.format ? ` (${schema.format})` : ""];
}

function table(heads, rows) {
  if (!rows.length) return "";
  return el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": heads[0] },
    el("table", {},
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell)))))));
}

function operation(path, method, it) {
  const parameters = (it.parameters || []).map((one) => [el("code", {}, one.name), [`${one.in}, `, ...typed(one.schema)], rich(one.description)]);
  const bodies = Object.entries(it.requestBody?.content || {}).flatMap(([type, body]) => [
    el("h3", {}, "Body, ", el("code", {}, type)),
    el("p", {}, typed(body.schema)),
    body.example === undefined ? "" : el("pre", { tabIndex: 0 }, typeof body.example === "string" ? body.example : JSON.stringify(body.example, null, 2)),
  ]);
  const answers = Object.entries(it.responses).map(([status, one]) => [
    el("code", {}, status), rich(one.description), Object.values(one.content || {}).flatMap((body) => typed(body.schema)),
  ]);
  return el("section", { className: "panel", id: it.operationId },
    el("h2", {}, el("span", { className: `method ${method}` }, method.toUpperCase()), el("code", {}, path)),
    el("p", {}, el("strong", {}, it.summary), it.description ? ". " : "", rich(it.description)),
    parameters.length ? el("h3", {}, "Parameters") : "", table(["Name", "Where and what", ""], parameters),
    bodies, el("h3", {}, "Answers"), table(["Status", "Meaning", "Body"], answers));
}

function properties(schema) {
  const required = schema.required || [];
  return Object.entries(schema.properties || {}).map(([name, it]) => [
    [el("code", {}, name), required.includes(name) ? "" : " (optional)"], typed(it), rich(it.description),
  ]);
}

function schema(name, it) {
  const parts = (it.oneOf || [it]).map((one) => [
    it.oneOf ? el("p", {}, one.properties ? "An object:" : ["Either ", ...typed(one), "."]) : "",
    table(["Member", "Type", ""], properties(one)),
  ]);
  return el("details", { id: name }, el("summary", {}, name), el("p", {}, rich(it.description)), parts);
}

/** A link to a schema opens it. */
function follow() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

const ORDER = ["post", "get", "put", "patch", "delete"];

async function main() {
  const docs = document.getElementById("docs");
  const response = await fetch("/openapi.json");
  const api = await response.json();
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    ORDER.filter((method) => methods[method]).map((method) => operation(path, method, methods[method])));
  docs.append(
    el("section", { className: "panel" },
      el("h1", {}, `${api.info.title} ${api.info.version}`),
      el("p", {}, rich(api.info.description)),
      el("pre", { tabIndex: 0 }, `curl -H 'content-type: application/json' --data-binary @export.json \\\n  '${location.origin}/api/v1/summaries?length=brief'`)),
    ...operations,
    el("section", { className: "panel", id: "schemas" }, el("h2", {}, "Schemas"),
      Object.entries(api.components.schemas).map(([name, it]) => schema(name, it))));
  docs.setAttribute("aria-busy", "false");
  addEventListener("hashchange", follow);
  follow();
}

main();
