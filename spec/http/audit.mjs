/**
 * Run every server audit of npm's `graphql-http` against one URL, one after the other.
 *
 *     node audit.mjs URL [NAME=VALUE ...]
 *
 * Headers given as NAME=VALUE go along with every request. Each audit is one line of JSON on standard output:
 * {"id", "name", "passed", "reason"}; an audit that could not be asked at all has failed, with the trouble as its reason.
 */
import { serverAudits } from 'graphql-http';

const PATIENCE = 20_000; // milliseconds for one exchange

const [url, ...pairs] = process.argv.slice(2);
const extra = pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);

const fetchFn = (input, init = {}) =>
  fetch(input, {
    ...init,
    headers: { ...init.headers, ...Object.fromEntries(extra) },
    signal: AbortSignal.timeout(PATIENCE),
  });

for (const { id, name, fn } of serverAudits({ url, fetchFn })) {
  let reason = '';
  let passed = false;
  try {
    const result = await fn();
    passed = result.status === 'ok';
    reason = result.reason ?? '';
  } catch (error) {
    reason = `${error.name}: ${error.cause?.message ?? error.message}`;
  }
  console.log(JSON.stringify({ id, name, passed, reason }));
}
