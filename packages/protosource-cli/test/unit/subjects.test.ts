/** `subjects`: a person is forgotten by a word, and shown to be. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite, sqliteKeyStore } from "protosource-es/sqlite";
import { afterAll, expect, it } from "vitest";
import { runHere } from "../run-here.js";

const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("forgets a person, says so, and leaves nothing of the key in the files", async () => {
  const path = join(folder, "keys.db");
  const database = openSqlite(path);
  const { bytes } = await sqliteKeyStore(database).current("c-9");
  database.close();
  const keys = ["--keys", `sqlite:${path}`];
  expect(await runHere(["subjects", "show", "c-9", ...keys])).toMatchObject({ code: 0, stdout: "c-9 has a key\n" });
  expect(readFileSync(path).includes(Buffer.from(bytes))).toBe(true);
  const forgotten = await runHere(["subjects", "forget", "c-9", "--reason", "request 12", "--json", ...keys]);
  expect(JSON.parse(forgotten.stdout)).toMatchObject({ subject: "c-9", hasKey: false, erasedKeys: 1 });
  expect((await runHere(["subjects", "show", "c-9", ...keys])).stdout).toMatch(
    /^c-9 was forgotten at .*, because of request 12: 1 key erased\n$/,
  );
  expect(readFileSync(path).includes(Buffer.from(bytes))).toBe(false);
});

it("tells of a person who is unknown, and of keys that aren't there", async () => {
  const path = join(folder, "others.db");
  openSqlite(path).close();
  expect(await runHere(["subjects", "show", "nobody", "--keys", `sqlite:${path}`])).toMatchObject({ code: 4 });
  expect((await runHere(["subjects", "forget", "c-9"])).stderr).toContain("--keys");
  expect(await runHere(["subjects", "forget", "c-9", "--keys", "sqlite:/nowhere/keys.db"])).toMatchObject({ code: 2 });
});
