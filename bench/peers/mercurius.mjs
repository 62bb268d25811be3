/*
 * mercurius with @mercuriusjs/gateway, its just-in-time compiler on. It knows federation 1 and no supergraphs.
 *
 *   node mercurius.mjs MODULES GRAPHS     GRAPHS: a JSON file, [{name, services: [{name, url, schema}]}]; prints {name: port}
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, graphs] = process.argv.slice(2);
const load = createRequire(join(resolve(modules), "driver.js"));
const Fastify = load("fastify");
const mercuriusGateway = load("@mercuriusjs/gateway");

const ports = {};
for (const { name, services } of JSON.parse(readFileSync(graphs, "utf8"))) {
  const app = Fastify();
  app.register(mercuriusGateway, { gateway: { services }, jit: 1 });
  await app.listen({ host: "127.0.0.1", port: 0 });
  ports[name] = app.server.address().port;
}
console.log(JSON.stringify(ports));
