/** The function of AWS Lambda, bundled as it is deployed. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineClient } from "@protosource-es/engines";
import type {} from "@protosource-es/engines/global-setup";
import { build } from "esbuild";
import { ensureTables } from "protosource-es/dynamodb";
import type { HttpEvent, HttpLambdaHandler } from "protosource-es/lambda";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "sessions-"));
const bundle = join(folder, "lambda.mjs");

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL("../../src/lambda.ts", import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@protosource-es/source"],
    external: ["libsql"],
    // What the SDK calls `require` for is a part of Node.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
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
