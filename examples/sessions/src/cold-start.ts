/**
 * Measures the cold start of the function: RUNS fresh processes of Node, 20 by default, each import its bundle and answer
 * two log-ins, with tables on an engine of this machine. It prints medians in milliseconds, and 90th percentiles.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { startDynoxide } from "@protosource-es/engines";
import { ensureTables } from "protosource-es/dynamodb";
import { bundleLambda } from "./bundle-lambda.js";

/** What a process says of itself, in milliseconds. */
interface Measured {
  readonly node: number;
  readonly import: number;
  readonly first: number;
  readonly second: number;
}

/** What each process runs: it prints a {@link Measured}. */
const PROGRAM = `
  const call = (id) => ({
    version: "2.0",
    rawPath: "/example.app.session.v1.SessionService/LogIn",
    rawQueryString: "",
    headers: { host: "sessions.example", "content-type": "application/json", "x-user": "alice" },
    requestContext: { http: { method: "POST" } },
    body: JSON.stringify({ id, device: "laptop" }),
    isBase64Encoded: false,
  });
  const context = { getRemainingTimeInMillis: () => 30000 };
  const times = [performance.now()];
  const { handler } = await import(process.env.BUNDLE);
  times.push(performance.now());
  for (const id of [crypto.randomUUID(), crypto.randomUUID()]) {
    const { statusCode, body } = await handler(call(id), context);
    if (statusCode !== 200) throw new Error(body);
    times.push(performance.now());
  }
  const [node, ...steps] = times.map((time, i) => time - (times[i - 1] ?? 0));
  console.log(JSON.stringify({ node, import: steps[0], first: steps[1], second: steps[2] }));
  process.exit();
`;

const runs = Number(process.env["RUNS"] ?? 20);
const names = { eventsTable: "events", aggregatesTable: "aggregates" };

const folder = mkdtempSync(join(tmpdir(), "cold-start-"));
const engine = await startDynoxide();
try {
  const file = join(folder, "lambda.mjs");
  const { bytes, gzipped } = await bundleLambda(file);
  const client = engine.client();
  await ensureTables(client, names);
  client.destroy();
  const measured: Measured[] = [];
  for (let i = 0; i < runs; i++) measured.push(await runOnce(file, engine.endpoint));

  console.log(`bundle ${Math.round(bytes / 1024)} KB, ${Math.round(gzipped / 1024)} KB gzip`);
  console.log(`${runs} processes of Node ${process.version}, milliseconds: median (90th percentile)`);
  const steps = {
    "Node itself": (one: Measured) => one.node,
    "import of the bundle": (one: Measured) => one.import,
    "first log-in": (one: Measured) => one.first,
    "import and first log-in": (one: Measured) => one.import + one.first,
    "second log-in": (one: Measured) => one.second,
  };
  for (const [name, of] of Object.entries(steps)) {
    const times = measured.map(of).sort((a, b) => a - b);
    const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(0);
    console.log(`${name.padEnd(24)}${at(0.5).padStart(5)} (${at(0.9)})`);
  }
} finally {
  await engine.stop();
  rmSync(folder, { recursive: true });
}

async function runOnce(file: string, endpoint: string): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
    env: {
      ...process.env,
      BUNDLE: pathToFileURL(file).href,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      EVENTS_TABLE: names.eventsTable,
      AGGREGATES_TABLE: names.aggregatesTable,
    },
  });
  return JSON.parse(stdout) as Measured;
}
