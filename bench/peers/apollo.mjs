/*
 * @apollo/gateway on @apollo/server's stand-alone server, as its documentation starts it.
 *
 *   node apollo.mjs MODULES GRAPHS     GRAPHS: a JSON file, [{name, supergraph}]; prints {name: port}
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, graphs] = process.argv.slice(2);
const load = createRequire(join(resolve(modules), "driver.js"));
const { ApolloGateway } = load("@apollo/gateway");
const { ApolloServer } = load("@apollo/server");
const { startStandaloneServer } = load("@apollo/server/standalone");

const ports = {};
for (const { name, supergraph } of JSON.parse(readFileSync(graphs, "utf8"))) {
  try {
    const gateway = new ApolloGateway({ supergraphSdl: readFileSync(supergraph, "utf8") });
    const { url } = await startStandaloneServer(new ApolloServer({ gateway }), { listen: { host: "127.0.0.1", port: 0 } });
    ports[name] = Number(new URL(url).port);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
  }
}
console.log(JSON.stringify(ports));
