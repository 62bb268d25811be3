/*
 * The other two planners, asked over lines of JSON.
 *
 *   node peers.mjs MODULES CASES                 one question per line on standard input, one answer per line
 *   node peers.mjs MODULES CASES --first PEER ID one plan in this fresh process, then the end
 *
 * MODULES is the folder that npm installed into, CASES the folder with cases.json and supergraphs. A question is
 * {peer, id, times, most}: plan a case so many times, but no longer than `most` milliseconds. The answer is
 * {samples: [{parse, validate, normalise, plan}, ...]} in milliseconds, or {error}. What a peer does not do by itself
 * is missing in its samples.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const [modules, folder, first, firstPeer, firstId] = process.argv.slice(2);
const load = createRequire(join(resolve(modules), "peers.js"));
const cases = new Map(JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")).map((one) => [one.id, one]));
const supergraph = (one) => readFileSync(join(folder, "supergraphs", `${one.supergraph}.graphql`), "utf8");

/** Apollo's gateway does the same four steps with the same packages. */
function apollo(sdl) {
  const { Supergraph, operationFromDocument } = load("@apollo/federation-internals");
  const { QueryPlanner } = load("@apollo/query-planner");
  const { parse, validate } = load("graphql");
  const model = Supergraph.build(sdl);
  const api = model.apiSchema();
  const schema = api.toGraphQLJSSchema();
  const planner = new QueryPlanner(model);
  return (one) => {
    const overrideConditions = new Map((one.override_labels ?? []).map((label) => [label, true]));
    const start = performance.now();
    const document = parse(one.query);
    const parsed = performance.now();
    const errors = validate(schema, document);
    const validated = performance.now();
    if (errors.length > 0) throw errors[0];
    const operation = operationFromDocument(api, document);
    const normalised = performance.now();
    planner.buildQueryPlan(operation, { overrideConditions });
    const planned = performance.now();
    return {
      parse: parsed - start,
      validate: validated - parsed,
      normalise: normalised - validated,
      plan: planned - normalised,
    };
  };
}

/** One call from text to plan; it parses and normalises, and does not validate. */
function hive(sdl) {
  const { QueryPlanner } = load("@graphql-hive/router-query-planner");
  const planner = new QueryPlanner(sdl);
  return (one) => {
    const labels = new Set(one.override_labels ?? []);
    const start = performance.now();
    planner.plan(one.query, null, labels, 100);
    return { plan: performance.now() - start };
  };
}

const peers = { apollo, hive };
const planners = new Map();

function plannerOf(peer, one) {
  const key = `${peer} ${one.supergraph}`;
  if (!planners.has(key)) planners.set(key, peers[peer](supergraph(one)));
  return planners.get(key);
}

function answer({ peer, id, times, most }) {
  try {
    const one = cases.get(id);
    const plan = plannerOf(peer, one);
    const samples = [];
    const end = performance.now() + most;
    do samples.push(plan(one));
    while (samples.length < times && performance.now() < end);
    return { samples };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

if (first === "--first") {
  const one = cases.get(firstId);
  const start = performance.now();
  const plan = peers[firstPeer](supergraph(one));
  const built = performance.now();
  plan(one);
  console.log(JSON.stringify({ build: built - start, plan: performance.now() - built }));
} else {
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(answer(JSON.parse(line))));
}
