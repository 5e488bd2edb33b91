/** The function of AWS Lambda, bundled as it is deployed. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import { ensureTables } from "protosource-es/dynamodb";
import type { HttpEvent, HttpLambdaHandler } from "protosource-es/lambda";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { type BundleSize, bundleLambda } from "../../src/bundle-lambda.js";

const folder = mkdtempSync(join(tmpdir(), "sessions-"));
const bundle = join(folder, "lambda.mjs");

let size: BundleSize;
beforeAll(async () => {
  size = await bundleLambda(bundle);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(inject("engines"))("the function on $name", ({ endpoint }) => {
  const names = { eventsTable: `events-${randomUUID()}`, aggregatesTable: `aggregates-${randomUUID()}` };
  let handler: HttpLambdaHandler;

  beforeAll(async () => {
    const client = engineClient(endpoint);
    await ensureTables(client, names);
    client.destroy();
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", endpoint);
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
    vi.stubEnv("EVENTS_TABLE", names.eventsTable);
    vi.stubEnv("AGGREGATES_TABLE", names.aggregatesTable);
    // Each engine gets a function of its own.
    ({ handler } = await import(`${bundle}?${randomUUID()}`));
  });
  afterAll(() => vi.unstubAllEnvs());

  it("logs in, and lists the user's sessions", async () => {
    const call = async (rpc: string, message: object): Promise<unknown> => {
      const event: HttpEvent = {
        version: "2.0",
        rawPath: `/example.app.session.v1.SessionService/${rpc}`,
        rawQueryString: "",
        headers: { host: "sessions.example", "content-type": "application/json", "x-user": "alice" },
        requestContext: { http: { method: "POST" } },
        body: JSON.stringify(message),
        isBase64Encoded: false,
      };
      const { statusCode, body } = await handler(event, { getRemainingTimeInMillis: () => 30_000 });
      return [statusCode, JSON.parse(body)];
    };
    expect(await call("LogIn", { id: "s-1", device: "laptop" })).toMatchObject([200, { userId: "alice" }]);
    expect(await call("SelectSessionCardByUserId", { userId: "alice" })).toMatchObject([
      200,
      { items: [{ id: "s-1" }] },
    ]);
  });
});

it("is no larger than the documentation says, by much", () => {
  expect(size.gzipped).toBeLessThan(345 * 1024);
});

it("has a cold start that can be measured", async () => {
  const program = fileURLToPath(new URL("../../src/cold-start.ts", import.meta.url));
  const args = ["--conditions=@protosource-es/source", "--import=tsx", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, RUNS: "1" } });
  expect(stdout).toMatch(/^bundle \d+ KB, \d+ KB gzip\n1 processes of Node /);
  expect(stdout).toMatch(/^import and first log-in +\d+ \(\d+\)$/m);
});
