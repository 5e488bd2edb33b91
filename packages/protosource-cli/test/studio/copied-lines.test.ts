/** The command lines that the studio gives, run as a shell reads them, on the store that it shows. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { customerOrders, mails, order } from "@protosource-es/studio/demo";
import { Repository } from "protosource-es";
import { StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { Subscriptions } from "protosource-es/subscriptions";
import { afterAll, beforeAll, expect, it } from "vitest";
import { orderEvents } from "../../../../examples/orders/gen/example/app/order/v1/order_v1_protosource.js";
import { EXIT } from "../../src/exit-codes.js";
import { schemasOf } from "../../src/schemas.js";
import type { StateAt, StreamPositions, VerifiedPage } from "../../src/studio/index.js";
import { studioApi } from "../../src/studio/index.js";
import { temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { ORDERS } from "../orders.js";
import { type Ended, runHere } from "../run-here.js";

const DOMAIN = fileURLToPath(import.meta.resolve("@protosource-es/studio/demo"));
const HOSTILE = 'it\'s $HOME `id` "a"\n\u001b[201~\\';
const folder = temporaryFolder();
const path = folder.path("orders.db");
const image = folder.path("image.binpb");
const database = openSqlite(path, { synchronous: "NORMAL" });
const opaqueStore = new SqliteOpaqueStore(database);
const store = new SqliteStore(database, { opaqueStore });
const all = [customerOrders, mails];

beforeAll(async () => {
  buildImage(image);
  const orders = new Repository(order, store);
  const created = orderEvents.Created({ customerId: "c-1", customerName: "Ada" });
  await orders.save(HOSTILE, [created]);
  // Its mailbox doesn't exist.
  await orders.save("o-1012", [created, orderEvents.Placed({})]);
  await new Subscriptions({ store, opaqueStore, all }).catchUp();
  await store.restore("--help", [create(StoredRecordSchema, { version: 1n, data: new Uint8Array([1]) })]);
});
afterAll(() => {
  database.close();
  folder.remove();
});

const words = ["--store", `sqlite:${path}`, "--descriptors", image, "--domain", DOMAIN];
const api = studioApi({ store, opaqueStore, schemas: schemasOf([order]), words, followed: { all, store } });

async function ask<T>(route: string, id: string): Promise<T> {
  const response = await api(new Request(`http://studio/api/${route}?${new URLSearchParams({ id })}`));
  return (await response.json()) as T;
}

/** Runs a line with the words that a shell makes of it. */
function runLine(line: string): Promise<Ended> {
  const script = `protosource() { printf '%s\\0' "$@"; }\n${line}`;
  const printed = execFileSync("bash", ["-s"], { input: script, encoding: "utf8", env: { LC_ALL: "C.UTF-8" } });
  return runHere(printed.split("\0").slice(0, -1));
}

it("shows the state of a stream, whatever its name is", async () => {
  const { line = "" } = await ask<StateAt>("state", ORDERS + HOSTILE);
  const { code, stdout, stderr } = await runLine(`${line} --json`);
  expect({ code, stderr }).toEqual({ code: EXIT.ok, stderr: "" });
  expect(stdout).toContain('"customerName":"Ada"');
});

it("shows a finding in a stream that is called as an option is", async () => {
  const { problems } = await ask<VerifiedPage>("verify", "--help");
  expect(problems.length).toBeGreaterThan(0);
  for (const { line = "" } of problems) expect((await runLine(line)).stdout).not.toContain("Usage:");
});

it("releases a parked stream, where the studio was given descriptors too", async () => {
  const { positions } = await ask<StreamPositions>("positions", `${ORDERS}o-1012`);
  const lines = positions.flatMap(({ lines }) => (lines ? [lines.release, lines.skip] : []));
  expect(lines).toHaveLength(2);
  for (const line of lines) {
    const { code, stderr } = await runLine(line);
    // The mailbox still doesn't exist.
    if (code !== EXIT.ok)
      expect({ code, stderr }).toEqual({ code: EXIT.found, stderr: expect.stringContaining("again") });
  }
  expect((await ask<StreamPositions>("positions", `${ORDERS}o-1012`)).positions).not.toContainEqual(
    expect.objectContaining({ parked: expect.anything() }),
  );
});
