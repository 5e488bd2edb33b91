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

  const send = async (rpc: string, user: string, body: object | string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${address}/example.app.session.v1.SessionService/${rpc}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(user === "" ? {} : { "x-user": user }) },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };

  it("takes commands, and lists the user's sessions", async () => {
    const created = await send("LogIn", "alice", { tenantId: "acme", device: "laptop" });
    expect(created).toMatchObject({ status: 200, body: { userId: "alice", state: "STATE_ACTIVE", version: "1" } });
    const { id } = created.body as { readonly id: string };

    expect(await send("Confirm", "alice", { id, code: "123456" })).toMatchObject({
      status: 200,
      body: { version: "2" },
    });
    expect(await send("SelectSessionCardByUserId", "alice", { userId: "alice" })).toMatchObject({
      status: 200,
      body: { items: [{ id, device: "laptop", state: "STATE_ACTIVE" }] },
    });
    expect(await send("SelectSessionCardByUserId", "bob", { userId: "alice" })).toEqual({ status: 200, body: {} });
    expect(await send("LogOut", "alice", { id })).toMatchObject({
      status: 200,
      body: { state: "STATE_LOGGED_OUT" },
    });
  });

  it("answers what is wrong with a status and a code that say whose turn it is", async () => {
    const { body } = await send("LogIn", "carol", { tenantId: "acme" });
    const { id } = body as { readonly id: string };
    const refused = async (rpc: string, user: string, sent: object | string): Promise<readonly unknown[]> => {
      const { status, body } = await send(rpc, user, sent);
      const { code, title } = body as { readonly code?: string; readonly title?: string };
      return [status, code ?? title];
    };

    expect(await refused("LogIn", "", {})).toEqual([401, "unauthenticated"]);
    expect(await refused("LogIn", "mallory", {})).toEqual([403, "permission_denied"]);
    expect(await refused("Confirm", "carol", { id, code: "000000" })).toEqual([403, "permission_denied"]);
    expect(await refused("LogIn", "carol", { id })).toEqual([409, "already_exists"]);
    expect(await refused("See", "carol", { id: "unknown" })).toEqual([404, "not_found"]);
    expect(await refused("See", "carol", {})).toEqual([400, "invalid_argument"]);
    expect(await refused("See", "carol", "{ no JSON")).toEqual([400, "invalid_argument"]);
    expect(await refused("Dance", "carol", {})).toEqual([404, "not_found"]);
    const page = { userId: "carol", pageToken: "nonsense" };
    expect(await refused("SelectSessionCardByUserId", "carol", page)).toEqual([400, "invalid_argument"]);
    await send("Revoke", "admin", { id, reason: "test" });
    expect(await refused("LogOut", "carol", { id })).toEqual([400, "failed_precondition"]);
  });

  it("has a page", async () => {
    expect(await (await fetch(address)).text()).toContain("<title>Sessions</title>");
  });
});
