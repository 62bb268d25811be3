/*
 * @graphql-hive/gateway, started as its command does on Node.js.
 *
 *   node hive.mjs MODULES GRAPHS PLANNER DEDUPE
 *
 * GRAPHS is a JSON file, [{name, supergraph}]; PLANNER is rust (@graphql-hive/router-runtime) or js; DEDUPE is on (its
 * default: identical subgraph queries in flight share one request) or off. Prints {name: port}.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, graphs, planner, dedupe] = process.argv.slice(2);
const load = createRequire(join(resolve(modules), "driver.js"));
const { createGatewayRuntime } = load("@graphql-hive/gateway");
const { unifiedGraphHandler } = planner === "rust" ? load("@graphql-hive/router-runtime") : {};

const ports = {};
for (const { name, supergraph } of JSON.parse(readFileSync(graphs, "utf8"))) {
  try {
    const runtime = createGatewayRuntime({
      supergraph: readFileSync(supergraph, "utf8"),
      logging: "error",
      ...(unifiedGraphHandler ? { unifiedGraphHandler } : {}),
      ...(dedupe === "off" ? { transportEntries: { "*.http": { options: { deduplicateInflightRequests: false } } } } : {}),
    });
    const server = createServer(runtime);
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    ports[name] = server.address().port;
  } catch (error) {
    console.error(`${name}: ${error.message}`);
  }
}
console.log(JSON.stringify(ports));
