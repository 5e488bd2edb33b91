/** Personal fields in files: what the command is given opens them, and changes none of the files. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Libsql from "libsql";
import { Repository, streamId } from "protosource-es";
import { createKeyring } from "protosource-es/personal";
import { openSqlite, SqliteOpaqueStore, SqliteStore, sqliteKeyStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { personCommands } from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_protosource.js";
import { studioApi } from "../../src/studio/api.js";
import { showStore } from "../../src/studio/run-studio.js";
import { temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { keyring, person } from "../people.js";

const DOMAIN = fileURLToPath(new URL("../people.ts", import.meta.url));
const id = streamId(person, "p-1");
const folder = temporaryFolder();
const image = folder.path("image.binpb");
const store = `sqlite:${folder.path("people.db")}`;
const keys = `sqlite:${folder.path("keys.db")}`;
const secret = new TextEncoder().encode("a secret of the tests, long enough");

beforeAll(async () => {
  buildImage(image);
  const [database, keysDatabase] = [openSqlite(folder.path("people.db")), openSqlite(folder.path("keys.db"))];
  const opaqueStore = new SqliteOpaqueStore(database);
  const stored = createKeyring(sqliteKeyStore(keysDatabase), { secret });
  for (const [id, ring] of [
    ["p-1", stored],
    ["p-2", stored],
    ["p-3", keyring],
  ] as const) {
    const people = new Repository(person, new SqliteStore(database, { opaqueStore }), { keyring: ring });
    const register = personCommands.Register({ name: "Xanthippe", email: "x@athens.gr", plan: "gold" });
    await people.apply(register, { id, actor: "clerk" });
  }
  await stored.forget("p-2", { reason: "request 12" });
  for (const one of [database, keysDatabase]) {
    one.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    one.close();
  }
});
afterAll(() => folder.remove());

/** Sums up what is stored in each file. A log without anything in it goes once the connection that made it is collected. */
function contents(): ReadonlyMap<string, string> {
  const names = ["people.db", "people.db-wal", "keys.db", "keys.db-wal"];
  const bytes = (name: string): Buffer => {
    const path = folder.path(name);
    return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  };
  return new Map(names.map((name) => [name, createHash("sha256").update(bytes(name)).digest("hex")] as const));
}

async function ask(options: object, questions: readonly string[]): Promise<readonly string[]> {
  const { shown, close } = await showStore({ port: "0", store, ...options });
  const api = studioApi(shown);
  const answers: string[] = [];
  for (const question of questions) {
    answers.push(await (await api(new Request(`http://studio/api/${question}`))).text());
  }
  close();
  return answers;
}

const stateOf = (stream: string): string => `state?${new URLSearchParams({ id: stream })}`;

it("are opened with the key store that is given, when asked for, and no file is changed by it", async () => {
  const before = contents();
  const [about, masked, shown, forgotten, decided] = await ask({ descriptors: image, keys }, [
    "about",
    stateOf(id),
    `${stateOf(id)}&personal=shown`,
    `${stateOf(streamId(person, "p-2"))}&personal=shown`,
    `what-if?${new URLSearchParams({ id, at: "1", command: "Rename", fields: '{"name":"Ann"}' })}`,
  ]);
  expect(about).toContain('"canOpen":true');
  expect(masked).not.toMatch(/Xanthippe|athens/);
  expect(shown).toContain('"name":"Xanthippe"');
  expect(forgotten).toContain('"@erased":true');
  expect(forgotten).not.toContain('"error"');
  expect(decided).not.toContain('"sealed":true');
  expect(contents()).toEqual(before);
});

it("are opened with the keyring that a domain exports", async () => {
  const stream = streamId(person, "p-3");
  const [about, shown] = await ask({ domain: DOMAIN }, ["about", `${stateOf(stream)}&personal=shown`]);
  expect(about).toContain('"canOpen":true');
  expect(shown).toContain('"name":"Xanthippe"');
});

it("stay sealed without either, and nothing fails", async () => {
  const [about, shown] = await ask({ descriptors: image }, ["about", `${stateOf(id)}&personal=shown`]);
  expect(about).toMatch(/"hasPersonal":true,"canOpen":false/);
  expect(shown).toContain('"@sealed":["email","name"]');
});

it("refuses a file without keys, and makes none in it", async () => {
  const path = folder.path("other.db");
  const other = new Libsql(path);
  other.exec("CREATE TABLE notes (text)");
  other.close();
  const before = readFileSync(path);
  await expect(showStore({ port: "0", store, descriptors: image, keys: `sqlite:${path}` })).rejects.toMatchObject({
    code: "invalid_argument",
    details: { argument: "--keys" },
  });
  expect(readFileSync(path).equals(before)).toBe(true);
});

it.each([
  ["keys beside the keyring of a domain", { domain: DOMAIN, keys }],
  ["a file of keys that is none", { descriptors: image, keys: `sqlite:${image}` }],
  ["a file of keys that isn't there", { descriptors: image, keys: "sqlite:none.db" }],
])("refuses %s, and says what to give", async (_, options) => {
  await expect(showStore({ port: "0", store, ...options })).rejects.toMatchObject({
    code: "invalid_argument",
    details: { argument: "--keys" },
  });
});
