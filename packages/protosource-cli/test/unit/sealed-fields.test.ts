/** Personal fields on the command line: left sealed where they are shown, and opened by the domain's keyring where its code runs. */
import { fileURLToPath } from "node:url";
import { Repository } from "protosource-es";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { personCommands } from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_protosource.js";
import { temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { keyring, person } from "../people.js";
import { type Ended, runHere } from "../run-here.js";

const STREAM = "example_app_people_v1#p-1";
const DOMAIN = fileURLToPath(new URL("../people.ts", import.meta.url));
const folder = temporaryFolder();
const image = folder.path("image.binpb");
const path = folder.path("people.db");

beforeAll(async () => {
  buildImage(image);
  const database = openSqlite(path);
  const store = new SqliteStore(database);
  const people = new Repository(person, store, { keyring });
  const register = personCommands.Register({ email: "ann@example.org", name: "Ann Lee", plan: "gold" });
  for (const id of ["p-1", "damaged"]) {
    await people.apply(register, { id, actor: "clerk" });
    for (let i = 0; i < 5; i++) await people.apply(personCommands.ChangePlan({ plan: `${i}` }), { id, actor: "clerk" });
  }
  await people.apply([register, personCommands.Rename({ name: "" })], { id: "cleared", actor: "clerk" });
  // The damaged one lacks versions at its end.
  const stream = "example_app_people_v1#damaged";
  const [first] = (await store.scan({ aggregateId: stream })).records;
  if (first === undefined) throw new Error("it has a first event");
  await store.restore(stream, [{ ...first.record, version: 20n }]);
  database.close();
});
afterAll(() => folder.remove());

const run = (command: readonly string[], ...args: readonly string[]): Promise<Ended> =>
  runHere([...command, "--store", `sqlite:${path}`, "--json", ...args]);
const withKeys = ["--domain", DOMAIN];
const withoutKeys = ["--descriptors", image];

it("are shown as sealed, with the keys and without", async () => {
  for (const sources of [withKeys, withoutKeys]) {
    const { stdout } = await run(["streams", "show", STREAM], "--limit", "2", ...sources);
    const [registered, changed] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(registered).toMatchObject({ event: { plan: "gold", "@sealed": ["email", "name"] } });
    expect(changed).not.toHaveProperty("event.@sealed");
    const row = await run(["aggregates", "get", "Person", "p-1"], ...sources);
    expect(JSON.parse(row.stdout)).toMatchObject({ message: { plan: "4", "@sealed": ["email", "name"] } });
    expect(stdout + row.stdout).not.toMatch(/Ann Lee|ann@/);
  }
  const { stdout } = await runHere(["streams", "show", STREAM, "--store", `sqlite:${path}`, ...withoutKeys]);
  expect(stdout).toContain('{"plan":"gold","@sealed":["email","name"]}');
});

it("keep no command from folding what needs none of them", async () => {
  for (const sources of [withKeys, withoutKeys]) {
    const repair = await run(["streams", "repair", "example_app_people_v1#damaged"], ...sources);
    expect(repair).toMatchObject({ code: 3 });
    expect(repair.stdout).toContain('"loads":false');
    const { stdout } = await run(["streams", "show", STREAM, "--at", "4"], ...sources);
    expect(JSON.parse(stdout)).toMatchObject({ state: { plan: "2", "@sealed": ["email", "name"] } });
    // So it is after a snapshot; and when a field is cleared it isn't sealed any more.
    const { stdout: later } = await run(["streams", "show", STREAM, "--at", "9"], ...sources);
    expect(JSON.parse(later)).toMatchObject({ state: { plan: "4", "@sealed": ["email", "name"] } });
    const { stdout: cleared } = await run(
      ["streams", "show", "example_app_people_v1#cleared", "--at", "2"],
      ...sources,
    );
    expect(JSON.parse(cleared)).toMatchObject({ state: { plan: "gold", "@sealed": ["email"] } });
  }
});

it("need the keys where the domain's code works on them, and a command that lacks them says so", async () => {
  const rebuild = ["rebuild", "--stream", STREAM, "--state", folder.path("state.json")];
  expect(await run([...rebuild, "--only", "Person", "--without-derived"], ...withoutKeys)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("as keyring of the module of --domain"),
  });
  const rebuilt = await run(rebuild, ...withKeys);
  expect(rebuilt).toMatchObject({ code: 0 });
  expect(JSON.parse(rebuilt.stdout)).toMatchObject({ rebuilt: { failed: 0, unchanged: 2, written: 0 } });
  const catchUp = ["subscriptions", "catch-up", "--state", folder.path("catch-up.json")];
  expect((await run(catchUp, ...withKeys)).stdout).toContain('"handled":3');
  const archive = await run(["streams", "archive", STREAM], ...withKeys);
  expect(JSON.parse(archive.stdout)).toMatchObject({ plan: { behind: [] } });
});
