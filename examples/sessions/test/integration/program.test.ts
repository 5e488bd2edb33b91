/** The program, as a process of its own: in memory, in a file, and on the tables that its environment names. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type {} from "@protosource-es/engines/global-setup";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "sessions-"));
afterAll(() => rmSync(folder, { recursive: true }));

const places = [
  { name: "memory", env: {} },
  { name: "sqlite", env: { SQLITE_FILE: join(folder, "sessions.db") } },
  ...inject("engines").map(({ name, endpoint }) => ({
    name,
    env: {
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      EVENTS_TABLE: `events-${randomUUID()}`,
      AGGREGATES_TABLE: `aggregates-${randomUUID()}`,
    },
  })),
];

describe.each(places)("the program on $name", ({ env }) => {
  let program: ChildProcess;
  let address = "";

  beforeAll(async () => {
    program = spawn(process.execPath, ["--conditions=@protosource-es/source", "--import=tsx", main], {
      env: { ...process.env, ...env, BANNED_USERS: "mallory" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (!program.stdout) throw new Error("the program has no output");
    const [line] = (await once(createInterface(program.stdout), "line")) as [string];
    address = /http:\S+/.exec(line)?.[0] ?? "";
  });
  afterAll(async () => {
    const exit = once(program, "exit");
    program.kill();
    await exit;
  });

  const send = async (path: string, user: string, body?: unknown): Promise<{ status: number; body: unknown }> => {
    const method = body === undefined ? "GET" : "POST";
    const payload = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(`${address}/${path}`, {
      method,
      headers: user === "" ? {} : { "x-user": user },
      body: payload,
    });
    return { status: response.status, body: await response.json() };
  };

  it("takes commands, and lists the user's sessions", async () => {
    const created = await send("LogIn", "alice", { tenantId: "acme", device: "laptop" });
    expect(created).toMatchObject({ status: 200, body: { userId: "alice", state: "STATE_ACTIVE", version: "1" } });
    const { id } = created.body as { readonly id: string };

    expect(await send(`Confirm?id=${id}`, "alice", { code: "123456" })).toMatchObject({
      status: 200,
      body: { version: "2" },
    });
    expect(await send("cards", "alice")).toMatchObject({
      status: 200,
      body: { items: [{ id, device: "laptop", state: "STATE_ACTIVE" }] },
    });
    expect(await send("cards", "bob")).toEqual({ status: 200, body: { items: [] } });
    expect(await send(`LogOut?id=${id}`, "alice", {})).toMatchObject({
      status: 200,
      body: { state: "STATE_LOGGED_OUT" },
    });
  });

  it("answers what is wrong with a status that says whose turn it is", async () => {
    const { body } = await send("LogIn", "carol", { tenantId: "acme" });
    const { id } = body as { readonly id: string };
    const statusOf = async (path: string, user: string, sent?: unknown): Promise<number> =>
      (await send(path, user, sent)).status;

    expect(await statusOf("LogIn", "", {})).toBe(401);
    expect(await statusOf("LogIn", "mallory", {})).toBe(403);
    expect(await statusOf(`Confirm?id=${id}`, "carol", { code: "000000" })).toBe(403);
    expect(await statusOf(`LogIn?id=${id}`, "carol", {})).toBe(409);
    expect(await statusOf("See?id=unknown", "carol", {})).toBe(404);
    expect(await statusOf("See", "carol", {})).toBe(400);
    expect(await statusOf("See", "carol", "{ no JSON")).toBe(400);
    expect(await statusOf("Dance", "carol", {})).toBe(404);
    expect(await statusOf("sessions", "carol")).toBe(404);
    expect(await statusOf("cards?cursor=nonsense", "carol")).toBe(400);
    await send(`Revoke?id=${id}`, "admin", { reason: "test" });
    expect(await statusOf(`LogOut?id=${id}`, "carol", {})).toBe(409);
  });
});
