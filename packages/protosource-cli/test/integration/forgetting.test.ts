/** Nothing of a person is in what leaves a store once the person is forgotten, and everything else is as it was. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { Repository, type RepositoryStore, repositoryTelemetry } from "protosource-es";
import { createKeyring, isErased, type KeyStore } from "protosource-es/personal";
import { openSqlite, SqliteOpaqueStore, SqliteStore, sqliteKeyStore } from "protosource-es/sqlite";
import { Subscriptions } from "protosource-es/subscriptions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { personCommands } from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_protosource.js";
import { engines, freshTables, temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { greetings, keyring, person } from "../people.js";
import { runHere } from "../run-here.js";

const DOMAIN = fileURLToPath(new URL("../people.ts", import.meta.url));
const folder = temporaryFolder();
const image = folder.path("image.binpb");
beforeAll(() => {
  buildImage(image);
  process.env["AWS_ACCESS_KEY_ID"] = "local";
  process.env["AWS_SECRET_ACCESS_KEY"] = "local";
});
afterAll(() => folder.remove());

/** Says what the person is called, where, and how to find it out. */
const PERSONAL = /Xanthippe|socrates\.wife|Elm Road/;

/** A text, and all that is base64 in it. */
function withBytes(text: string): string {
  const decoded = text.match(/[A-Za-z0-9+/]{8,}={0,2}/g)?.map((part) => Buffer.from(part, "base64").toString("latin1"));
  return [text, ...(decoded ?? [])].join("\n");
}

/** What is called with anything, keeps all of it, and calls what it is given: a tracer and a meter. */
function recorder(said: unknown[]): never {
  const record = (...args: readonly unknown[]): unknown => {
    said.push(args);
    const run = args.at(-1);
    return typeof run === "function" ? (run as (recorder: unknown) => unknown)(recorder(said)) : recorder(said);
  };
  return new Proxy(record, { get: (_, name) => (name === "then" ? undefined : recorder(said)) }) as never;
}

interface Opened {
  readonly store: RepositoryStore & ConstructorParameters<typeof Subscriptions>[0]["store"];
  readonly url: string;
  /** All that is stored, as text of one byte a character. */
  readonly dump: () => Promise<string>;
  close(): void;
}

function openFile(): Opened {
  const path = folder.path("people.db");
  const database = openSqlite(path);
  const dump = async (): Promise<string> => {
    const names = readdirSync(folder.path("")).filter((name) => name.startsWith("people.db") && !name.endsWith("-shm"));
    return names.map((name) => readFileSync(folder.path(name)).toString("latin1")).join("\n");
  };
  return {
    store: new SqliteStore(database, { opaqueStore: new SqliteOpaqueStore(database) }),
    url: `sqlite:${path}`,
    dump,
    close: () => database.close(),
  };
}

async function openTables(endpoint: string): Promise<Opened> {
  const tables = await freshTables(endpoint, { feeds: true });
  const { client, store, url, eventsTable, aggregatesTable } = tables;
  const feeds = eventsTable.replace("events", "feeds");
  const show = (_: string, value: unknown): unknown =>
    value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value;
  const dump = async (): Promise<string> => {
    const scans = [eventsTable, aggregatesTable, feeds].map(async (TableName) => {
      const { Items = [] } = await client.send(new ScanCommand({ TableName }));
      return Items.map((item) => JSON.stringify(Object.entries(item).toSorted(), show)).toSorted();
    });
    return (await Promise.all(scans)).flat().join("\n");
  };
  return { store, url, dump, close: () => client.destroy() };
}

function linesOf(output: string): readonly string[] {
  return output.split("\n").toSorted();
}

describe.each([
  { name: "file", open: async () => openFile() },
  ...engines.map(({ name, endpoint }) => ({ name, open: () => openTables(endpoint) })),
])("of $name", ({ name, open }) => {
  it("holds nothing of a person, and neither does what the command line, logs and telemetry say of it", async () => {
    const { store, url, dump, close } = await open();
    const [ann, ben] = [`ann-${name}`, `ben-${name}`];
    const stream = `example_app_people_v1#${ann}`;
    const said: unknown[] = [];
    const logger = { warn: (...args: readonly unknown[]) => void said.push(args) };
    const observe = repositoryTelemetry({ tracer: recorder(said), meter: recorder(said) });
    const people = new Repository(person, store, { keyring, logger, observe, compressThreshold: 0 });
    const as = (id: string) => ({ id, actor: "clerk" });
    const email = "socrates.wife@example.org";
    for (const id of [ann, ben]) {
      await people.apply(personCommands.Register({ email, name: "Xanthippe", plan: "gold" }), as(id));
    }
    const parcel = { parcelId: "b-1", recipientId: ann, address: { lines: ["Elm Road 1"] }, weight: 3n };
    await people.apply(personCommands.Send({ parcel }), { ...as(ann), commandId: "c-1" });
    for (const plan of ["silver", "basic", "gold"]) await people.apply(personCommands.ChangePlan({ plan }), as(ann));
    await new Subscriptions({ store, all: [greetings], keyring }).catchUp();
    await people.apply(personCommands.Register({ email, name: "Xanthippe", plan: "gold" }), as(ann)).catch(() => {});

    const run = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await runHere([...args, "--store", url]);
      expect(code, `${args.join(" ")}: ${stderr}`).toBe(0);
      return stdout + stderr;
    };
    const commands = async (): Promise<readonly string[]> => {
      const outputs: string[] = [];
      for (const command of [
        ["streams", "show", stream, "--descriptors", image],
        ["streams", "show", stream, "--diff", "--domain", DOMAIN, "--json"],
        ["streams", "show", stream, "--at", "4", "--domain", DOMAIN],
        ["streams", "verify", "--json"],
        ["streams", "list"],
        ["aggregates", "get", "Person", ann, "--descriptors", image, "--json"],
        ["aggregates", "get", "Contact", ann, "--domain", DOMAIN],
      ]) {
        outputs.push(await run(...command));
      }
      const replay = await run("schema", "check", image, image, "--replay", "--json");
      expect(replay).toContain('"differences":0');
      expect(replay).toContain('"events":7');
      return [...outputs, replay, await run("export", "--unsorted")];
    };
    const exported = await run("export");
    const outputs = await commands();
    const before = await dump();
    expect(outputs[0]).toContain("gold");
    expect(withBytes([before, exported, ...outputs].join("\n"))).not.toMatch(PERSONAL);

    await keyring.forget(ann, { reason: "request 12" });
    const forgotten = await people.load(ann);
    expect(isErased(forgotten)).toBe(true);
    expect(forgotten).toMatchObject({ email: "", name: "", plan: "gold" });
    expect(await people.load(ben)).toMatchObject({ name: "Xanthippe" });
    expect((await dump()) === before, "all that is stored is as it was").toBe(true);
    expect(await run("export")).toBe(exported);
    // What isn't sorted comes in the order of a scan, which isn't the same each time.
    expect((await commands()).map(linesOf)).toEqual(outputs.map(linesOf));
    await people.apply(personCommands.Rename({ name: "Xanthippe" }), as(ann)).catch((error) => said.push(error));
    expect(said.length).toBeGreaterThan(10);
    expect(withBytes(inspect(said, { depth: 20, maxStringLength: 1_000_000, maxArrayLength: 10_000 }))).not.toMatch(
      PERSONAL,
    );
    close();
  });
});

it("holds neither the key nor the person in the files of a store and its keys, also where it is made compact", async () => {
  const paths = ["compact.db", "compact-keys.db"].map((name) => folder.path(name));
  const [database, keysDatabase] = paths.map((path) => openSqlite(path)) as [
    ReturnType<typeof openSqlite>,
    ReturnType<typeof openSqlite>,
  ];
  const keys: KeyStore = sqliteKeyStore(keysDatabase);
  const secret = new TextEncoder().encode("a secret of the tests, long enough");
  const ring = createKeyring(keys, { secret });
  const store = new SqliteStore(database, { opaqueStore: new SqliteOpaqueStore(database) });
  const people = new Repository(person, store, { keyring: ring });
  const register = personCommands.Register({ email: "socrates.wife@example.org", name: "Xanthippe", plan: "gold" });
  await people.apply(register, { id: "p-1", actor: "clerk" });
  const { bytes } = await keys.current("p-1");
  const read = (): string => {
    const names = readdirSync(folder.path("")).filter((name) => name.startsWith("compact") && !name.endsWith("-shm"));
    return names.map((name) => readFileSync(folder.path(name)).toString("latin1")).join("\n");
  };
  const key = Buffer.from(bytes).toString("latin1");
  expect(read()).toContain(key);
  await ring.forget("p-1");
  expect(read()).not.toContain(key);
  for (const one of [database, keysDatabase]) one.exec("VACUUM");
  expect(read()).not.toContain(key);
  expect(read()).not.toMatch(PERSONAL);
  expect(isErased(await people.load("p-1"))).toBe(true);
  for (const one of [database, keysDatabase]) one.close();
});
