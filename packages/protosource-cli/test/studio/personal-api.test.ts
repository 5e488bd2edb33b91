/** What the API of the studio shows of persons: nothing until it is asked for, and then what can be opened. */
import { create, type DescMessage } from "@bufbuild/protobuf";
import {
  anyPack,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { Repository, streamId } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore, memoryKeyStore } from "protosource-es/memory";
import { createKeyring, type Keyring, type KeyStore } from "protosource-es/personal";
import { StoredRecordSchema } from "protosource-es/proto";
import { binarySerializer, type Serializer } from "protosource-es/serializer";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { defineHandler, on, type Subscription, Subscriptions } from "protosource-es/subscriptions";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RenamedSchema } from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_pb.js";
import {
  definePerson,
  type PersonAggregate,
  personCommands,
  personEvents,
} from "../../../protosource-es/test/gen/example/app/people/v1/people_v1_protosource.js";
import { messageNamed, redefined, retire } from "../../../protosource-es/test/redefine.js";
import { schemasOf } from "../../src/schemas.js";
import { studioApi } from "../../src/studio/api.js";
import type {
  About,
  Decided,
  EventDetail,
  EventPage,
  KeyedMessages,
  ParkedPage,
  Refusal,
  RowDetail,
  RowPage,
  StateAt,
  StreamPositions,
} from "../../src/studio/index.js";
import type { StudioOptions } from "../../src/studio/studio.js";

const SECRET = new TextEncoder().encode("a secret of the tests, long enough");
const PERSON = "example.app.people.v1.Person";

/** Rules and handlers that tell whom they fail for. */
const person = definePerson({
  guard({ name }, { $typeName }) {
    if ($typeName.endsWith(".Send")) throw new Error(`${name} moved`);
  },
});
const id = streamId(person, "p-1");

const greetings: Subscription = defineHandler({
  name: "greetings",
  tries: 1,
  from: [
    on(person, {
      Registered({ name, email }) {
        throw new Error(`no greeting for ${name} at ${email}`);
      },
    }),
  ],
});

/** Leaves everything as it is, as before the fields were marked. */
const IN_CLEAR: Keyring = {
  canBlind: true,
  blind: (_, value) => value,
  sealer: async () => ({ seal: (_, message) => message, blind: (_, message) => message }),
  opener: async () => () => {},
  forget: () => Promise.reject(new Error("nothing is sealed")),
};

type Stores = {
  readonly store: MemoryStore | SqliteStore;
  readonly opaqueStore: MemoryOpaqueStore | SqliteOpaqueStore;
  readonly close: () => void;
};

function inMemory(): Stores {
  const opaqueStore = new MemoryOpaqueStore();
  return { store: new MemoryStore({ opaqueStore }), opaqueStore, close() {} };
}

function inSqlite(): Stores {
  const database = openSqlite(":memory:");
  const opaqueStore = new SqliteOpaqueStore(database);
  return { store: new SqliteStore(database, { opaqueStore }), opaqueStore, close: () => database.close() };
}

/** Asks one thing of an API, and gives the answer as text. */
type Ask = (route: string, parameters?: Query) => Promise<string>;
type Query = { readonly [name: string]: string };

function asking(options: StudioOptions, always: Query = {}, api = studioApi(options)): Ask {
  return async (route, parameters = {}) => {
    const query = new URLSearchParams({ ...parameters, ...always });
    return (await api(new Request(`http://studio/api/${route}?${query}`))).text();
  };
}

const askFor = async <T>(ask: Ask, route: string, parameters: Query = {}): Promise<T> =>
  JSON.parse(await ask(route, parameters)) as T;

const SHOWN = { personal: "shown" };

/** Asks all that can be asked about the person. */
async function everything(ask: Ask, email: string): Promise<ReadonlyMap<string, string>> {
  const answers = new Map<string, string>();
  const take = async <T>(route: string, parameters: Query = {}): Promise<T> => {
    const text = await ask(route, parameters);
    answers.set(`${route} ${JSON.stringify(parameters)}`, text);
    return JSON.parse(text) as T;
  };
  for (const route of ["about", "streams", "subscriptions", "health", "verify"]) await take(route);
  for (const route of ["commands", "positions", "verify"]) await take(route, { id });
  await take("domain", { type: PERSON });
  await take("parked", { subscription: "greetings" });
  const { events } = await take<EventPage>("events", { id });
  for (const { version } of events) {
    await take("event", { id, version });
    await take("state", { id, at: version });
    await take("state", { id, at: version, against: "0", rules: "without" });
    await take("test", { id, at: version });
    await take("what-if", { id, at: version, command: "ChangePlan", fields: '{"plan":"free"}' });
    await take("what-if", { id, at: version, command: "Send", fields: '{"parcel":{"parcelId":"b"}}' });
  }
  const { messages } = await take<KeyedMessages>("indexes");
  for (const { type, indexes } of messages) {
    for (const { index, partition } of indexes) {
      const values: Query = { id: "p-1", person_id: "p-1", plan: "gold", email };
      const where = partition.map(({ name }) => `${name}=${values[name]}`)[0] ?? "";
      const { rows = [] } = await take<Partial<RowPage>>("rows", { type, index: String(index), where });
      for (const { pk, sk } of rows) await take("row", { pk, sk, type });
    }
  }
  return answers;
}

/** What stands in each personal value, so that a part of one is found as well. */
const MARK = "Xq7";

/** Finds the answers in which something personal can be read, also in what is written as base64. */
function leaks(answers: ReadonlyMap<string, string>): readonly string[] {
  return [...answers].filter(([, text]) => withBytes(text).includes(MARK)).map(([question]) => question);
}

/** Gives a text, and all that is base64 in it. */
function withBytes(text: string): string {
  const decoded = text.match(/[A-Za-z0-9+/]{8,}={0,2}/g)?.map((one) => Buffer.from(one, "base64").toString("latin1"));
  return [text, ...(decoded ?? [])].join("\n");
}

const personal = fc.string({ unit: "binary", minLength: 0, maxLength: 12 }).map((text) => `${MARK}${text}${MARK}`);
const deed = fc.oneof(
  fc.record({ do: fc.constant("rename" as const), name: personal }),
  fc.record({ do: fc.constant("send" as const), line: personal, note: personal }),
  fc.record({ do: fc.constant("plan" as const) }),
);

async function live(
  { store }: Stores,
  keyring: Keyring,
  {
    name,
    email,
    deeds,
  }: { name: string; email: string; deeds: readonly (typeof deed extends fc.Arbitrary<infer D> ? D : never)[] },
): Promise<void> {
  const people = new Repository(definePerson(), store, { keyring, compressThreshold: 0 });
  const as = { id: "p-1", actor: "clerk" };
  await people.apply(personCommands.Register({ email, name, plan: "gold" }), as);
  for (const one of deeds) {
    if (one.do === "rename") await people.apply(personCommands.Rename({ name: one.name }), as);
    else if (one.do === "plan") await people.apply(personCommands.ChangePlan({ plan: "gold" }), as);
    else {
      const address = { lines: [one.line], notes: { door: one.note } };
      await people.apply(personCommands.Send({ parcel: { parcelId: "b-1", recipientId: "p-1", address } }), as);
    }
  }
  await new Subscriptions({ store, all: [greetings], keyring }).catchUp();
}

describe.each([
  ["in memory", inMemory],
  ["in SQLite", inSqlite],
] as const)("%s", (_, open) => {
  it.each(["sealed", "in clear"] as const)(
    "no answer tells what is personal and %s, until it is asked for",
    async (how) => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({ name: personal, email: personal, deeds: fc.array(deed, { maxLength: 7 }) }),
          async (life) => {
            const stores = open();
            const keyring = how === "sealed" ? createKeyring(memoryKeyStore(), { secret: SECRET }) : IN_CLEAR;
            await live(stores, keyring, life);
            const { store, opaqueStore } = stores;
            const options = { store, opaqueStore, followed: { all: [greetings], store } };
            const schemas = [schemasOf([person], { keyring }), schemasOf([person])];
            for (const known of schemas) {
              const api = studioApi({ ...options, schemas: known });
              // What was shown stays in no answer that isn't asked to show it.
              const shown = await everything(asking(options as never, SHOWN, api), life.email);
              expect(leaks(shown)).not.toEqual([]);
              expect(leaks(await everything(asking(options as never, {}, api), life.email))).toEqual([]);
            }
            stores.close();
          },
        ),
        { numRuns: 3 },
      );
    },
  );

  it("shows what is sealed in each answer, and that a person was forgotten", async () => {
    const stores = open();
    const keyring = createKeyring(memoryKeyStore(), { secret: SECRET });
    await live(stores, keyring, {
      name: "Ann",
      email: "ann@x.org",
      deeds: [
        { do: "rename", name: "Ann Lee" },
        { do: "send", line: "Elm Road 1", note: "green" },
      ],
    });
    const { store, opaqueStore } = stores;
    const options = {
      store,
      opaqueStore,
      schemas: schemasOf([person], { keyring }),
      followed: { all: [greetings], store },
    };
    const ask = asking(options, SHOWN);
    const { events } = await askFor<EventPage>(ask, "events", { id });
    expect(events[0]).toMatchObject({ text: expect.stringContaining("Ann") });
    expect(events[0]).not.toHaveProperty("sealed");
    const detail = await askFor<EventDetail>(ask, "event", { id, version: "1" });
    expect(detail).toMatchObject({ json: { name: "Ann", email: "ann@x.org" }, raw: expect.any(String) });
    expect(detail).not.toHaveProperty("masked");
    const state = await askFor<StateAt>(ask, "state", { id, at: "2" });
    expect(state).toMatchObject({
      state: { name: "Ann Lee" },
      blame: { name: "2", email: "1" },
      changes: expect.arrayContaining([{ path: "name", before: "Ann", after: "Ann Lee" }]),
    });
    expect(await askFor(ask, "test", { id, at: "3" })).toMatchObject({
      text: expect.stringContaining('name: "Ann Lee"'),
    });
    const decided = await askFor<Decided>(ask, "what-if", { id, at: "3", command: "Send", fields: "{}" });
    expect(decided.refusal?.message).toBe("Ann Lee moved");
    const { rows } = await askFor<RowPage>(ask, "rows", { type: PERSON, index: "1", where: "email=ann@x.org" });
    expect(rows).toMatchObject([{ text: expect.stringContaining("Ann Lee") }]);
    const { pk = "", sk = "" } = rows[0] ?? {};
    const row = await askFor<RowDetail>(ask, "row", { pk, sk });
    expect(row).toMatchObject({ json: { name: "Ann Lee" }, fold: { behind: "0", changes: [] } });
    const { parked } = await askFor<ParkedPage>(ask, "parked", { subscription: "greetings" });
    expect(parked[0]?.error).toBe("no greeting for Ann at ann@x.org");
    const { positions } = await askFor<StreamPositions>(ask, "positions", { id });
    expect(positions[0]?.parked?.error).toBe("no greeting for Ann at ann@x.org");

    await keyring.forget("p-1");
    const anew = asking(options, SHOWN);
    const answers = await everything(anew, "ann@x.org");
    // What a handler's error has said of them is in the clear, and stays.
    const said = [...answers].filter(([question]) => !/^(parked|positions)/.test(question));
    expect(said.filter(([, text]) => /Ann|ann@|Elm Road/.test(text)).map(([question]) => question)).toEqual([]);
    expect(said.filter(([question, text]) => !question.includes('"Send"') && text.includes('{"error":'))).toEqual([]);
    expect(await askFor(anew, "event", { id, version: "1" })).toMatchObject({ json: { "@erased": true } });
    expect(await askFor(anew, "state", { id })).toMatchObject({ state: { "@erased": true, plan: "gold" } });
    expect(await askFor(anew, "row", { pk, sk })).toMatchObject({ json: { "@erased": true } });
    stores.close();
  });
});

/** A person in memory, and what was asked of the keys. */
async function scene(definition: PersonAggregate = person) {
  const stores = inMemory();
  const keys = memoryKeyStore();
  const asked: string[] = [];
  const counted = new Proxy(keys, {
    get: (target, name: keyof KeyStore) => {
      const method = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        asked.push(name);
        return method.apply(target, args);
      };
    },
  });
  const keyring = createKeyring(counted, { secret: SECRET, maxAgeSeconds: 0 });
  await live(stores, keyring, { name: "Ann", email: "ann@x.org", deeds: [{ do: "rename", name: "Ann Lee" }] });
  asked.length = 0;
  const options = { ...stores, schemas: schemasOf([definition], { keyring }) };
  return { stores, keys, asked, keyring, options };
}

it("asks for no key to show what is masked, but to find rows and to decide, and never makes one", async () => {
  const { asked, options } = await scene();
  const ask = asking(options);
  for (const [route, parameters] of [
    ["events", { id }],
    ["event", { id, version: "1" }],
    ["state", { id }],
    ["test", { id, at: "2" }],
    ["rows", { type: PERSON, index: "2", where: "plan=gold" }],
  ] as const) {
    await ask(route, parameters);
  }
  expect(asked).toEqual([]);
  await ask("what-if", { id, at: "2", command: "ChangePlan", fields: "{}" });
  const { rows } = await askFor<RowPage>(ask, "rows", { type: PERSON, index: "1", where: "email=ann@x.org" });
  expect(rows).toHaveLength(1);
  await everything(asking(options, SHOWN), "ann@x.org");
  expect(new Set(asked)).toEqual(new Set(["find"]));
});

it("decides on what is sealed, and says where it can't be opened", async () => {
  const { stores, options } = await scene();
  const query = { id, at: "2", command: "Send", fields: "{}" };
  const masked = await askFor<Decided>(asking(options), "what-if", query);
  expect(masked.refusal).toMatchObject({ code: "Error", message: expect.stringContaining("•••") });
  expect(masked).not.toHaveProperty("sealed");
  const ask = asking({ ...stores, schemas: schemasOf([person]) }, SHOWN);
  expect(await askFor<Decided>(ask, "what-if", query)).toMatchObject({ sealed: true, refusal: { message: " moved" } });
});

it("shows as sealed what has no key, and the rest", async () => {
  const { stores, asked } = await scene();
  const others = createKeyring(memoryKeyStore(), { secret: SECRET });
  const { store } = stores;
  const people = new Repository(person, store, { keyring: others });
  await people.apply(personCommands.Register({ name: "Bea", email: "bea@x.org", plan: "gold" }), {
    id: "p-2",
    actor: "clerk",
  });
  const ask = asking({ ...stores, schemas: schemasOf([person], { keyring: others }) }, SHOWN);
  const { rows } = await askFor<RowPage>(ask, "rows", { type: PERSON, index: "2", where: "plan=gold" });
  expect(rows.map(({ text }) => /@sealed|Bea/.exec(text)?.[0])).toEqual(["@sealed", "Bea"]);
  const detail = await askFor<EventDetail>(ask, "event", { id, version: "1" });
  expect(detail).toMatchObject({ sealed: true, json: { plan: "gold" }, unknown: [] });
  expect(await askFor(ask, "state", { id })).toMatchObject({ state: { "@sealed": ["email", "name"], plan: "gold" } });
  expect(asked).toEqual([]);
});

it("shows rows without keys as sealed, and refuses to find them by what is personal", async () => {
  const { stores } = await scene();
  const ask = asking({ ...stores, schemas: schemasOf([person]) }, SHOWN);
  expect(await askFor<About>(ask, "about")).toMatchObject({ hasPersonal: true, canOpen: false });
  const { rows } = await askFor<RowPage>(ask, "rows", { type: PERSON, index: "2", where: "plan=gold" });
  expect(rows).toMatchObject([{ text: expect.stringContaining("@sealed") }]);
  const { error } = await askFor<Refusal>(ask, "rows", { type: PERSON, index: "1", where: "email=ann@x.org" });
  expect(error.code).toBe("not_configured");
});

describe("what was opened", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is forgotten with the person, whoever erased the key, and without a look at the stream anew", async () => {
    const { keys, options } = await scene();
    const ask = asking(options, SHOWN);
    expect(await ask("state", { id })).toContain("Ann Lee");
    await keys.erase("p-1");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    expect(await ask("state", { id })).not.toContain("Ann Lee");
  });
});

it("masks what a retired event is read as, and what its upcast fails with", async () => {
  const rename = ({ name }: { readonly name: string }) => {
    if (name === "Ann Lee") return personEvents.Registered({ name });
    throw new Error(`${name} has no second name`);
  };
  const retired = redefined({ ...definePerson(), rules: { upcast: { Renamed: rename } } as never }, (proto) =>
    retire(proto, "Renamed", "Rename"),
  );
  const { stores, keyring } = await scene();
  const people = new Repository(person, stores.store, { keyring: IN_CLEAR });
  await people.apply(personCommands.Rename({ name: "Ann Lee" }), { id: "p-1", actor: "clerk" });
  await people.apply(personCommands.Rename({ name: "Annie" }), { id: "p-1", actor: "clerk" });
  const options = { ...stores, schemas: schemasOf([retired], { keyring }) };
  for (const version of ["3", "4"]) {
    const told = await asking(options)("event", { id, version });
    expect(told).not.toMatch(/Ann/);
    expect(told).toContain("•••");
    expect(await asking(options, SHOWN)("event", { id, version })).toMatch(/Ann/);
  }
});

it("masks what the domain's code fails with", async () => {
  const failing = definePerson({
    afterOn({ name }) {
      if (name !== "") throw new Error(`${name} is no name`);
    },
  });
  const { stores, keyring } = await scene();
  const options = { ...stores, schemas: schemasOf([failing], { keyring: IN_CLEAR }) };
  const people = new Repository(person, stores.store, { keyring: IN_CLEAR });
  await people.apply(personCommands.Rename({ name: "Annie" }), { id: "p-1", actor: "clerk" });
  expect(keyring.canBlind).toBe(true);
  const where = { type: PERSON, index: "2", where: "plan=gold" };
  const [{ pk, sk } = { pk: "", sk: "" }] = (await askFor<RowPage>(asking(options), "rows", where)).rows;
  for (const [route, parameters] of [
    ["state", { id }],
    ["row", { pk, sk }],
    ["what-if", { id, at: "3", command: "ChangePlan" }],
    ["test", { id, at: "3" }],
  ] as const) {
    expect(await asking(options)(route, parameters)).not.toMatch(/Ann/);
    expect(await asking(options, SHOWN)(route, parameters)).toMatch(/afterOn of .*Ann.* is no name/);
  }
});

it("masks what a serializer or a store of the domain's own fails with", async () => {
  const { stores } = await scene();
  const people = new Repository(person, stores.store, { keyring: IN_CLEAR });
  await people.apply(personCommands.Rename({ name: "Annie" }), { id: "p-1", actor: "clerk" });
  const serializer: Serializer = {
    serialize: binarySerializer.serialize,
    deserialize(data) {
      throw new SyntaxError(`${Buffer.from(data).toString("latin1")} is not valid JSON`);
    },
  };
  const schemas = schemasOf([person], { serializer });
  const store = { ...stores.store, load: fail, scan: fail } as unknown as StudioOptions["store"];
  for (const [options, route, parameters] of [
    [{ ...stores, schemas }, "events", { id }],
    [{ ...stores, schemas }, "event", { id, version: "3" }],
    [{ ...stores, schemas }, "verify", { id }],
    [{ store, schemas }, "streams", {}],
  ] as const) {
    expect(await asking(options)(route, parameters)).not.toContain("Annie");
    expect(await asking(options, SHOWN)(route, parameters)).toContain("Annie");
  }

  function fail(): never {
    throw new Error("Annie isn't found");
  }
});

it("tells of what is masked neither who set it, nor that a row differs in it", async () => {
  const { store, opaqueStore } = inMemory();
  const as = { id: "p-1", actor: "clerk" };
  const before = new Repository(person, store, { keyring: IN_CLEAR });
  await before.apply(personCommands.Register({ name: "Ann", email: "ann@x.org", plan: "gold" }), as);
  await before.apply(personCommands.Rename({ name: "Ann Lee" }), as);
  const keyring = createKeyring(memoryKeyStore(), { secret: SECRET });
  await new Repository(person, store, { keyring }).apply(personCommands.ChangePlan({ plan: "free" }), as);
  const options = { store, opaqueStore, schemas: schemasOf([person]) };
  const { blame, changes } = await askFor<StateAt>(asking(options), "state", { id, against: "1" });
  expect(blame).toMatchObject({ plan: "3" });
  expect(blame).not.toHaveProperty("name");
  expect(changes.map(({ path }) => path)).not.toContain("name");
  // The row was sealed, and the events before it lie in the clear.
  const [{ pk, sk } = { pk: "", sk: "" }] = (
    await askFor<RowPage>(asking(options), "rows", { type: PERSON, index: "2", where: "plan=free" })
  ).rows;
  for (const always of [{}, SHOWN]) {
    const { fold } = await askFor<RowDetail>(asking(options, always), "row", { pk, sk });
    expect(fold).toMatchObject({ behind: "0", changes: [] });
  }
});

it("masks messages of any type, which may have personal fields", async () => {
  const holding = redefined(definePerson(), (proto) => {
    proto.dependency.push("google/protobuf/any.proto");
    messageNamed(proto, "PlanChanged").field.push(
      create(FieldDescriptorProtoSchema, {
        ...{ name: "cause", jsonName: "cause", number: 20, label: FieldDescriptorProto_Label.OPTIONAL },
        ...{ type: FieldDescriptorProto_Type.MESSAGE, typeName: ".google.protobuf.Any" },
      }),
    );
  });
  const { store } = inMemory();
  const schema = holding.model.events.find(({ schema }) => schema.name === "PlanChanged")?.schema as DescMessage;
  const cause = anyPack(RenamedSchema, create(RenamedSchema, { name: "Annie" }));
  const event = create(schema, { id: "p-1", version: 1n, cause } as never);
  const data = binarySerializer.serialize(schema, event);
  await store.save(id, [create(StoredRecordSchema, { version: 1n, data })]);
  const options = { store, schemas: schemasOf([holding]) };
  for (const [route, parameters] of [
    ["events", { id }],
    ["event", { id, version: "1" }],
    ["test", { id, at: "1" }],
  ] as const) {
    expect(withBytes(await asking(options)(route, parameters))).not.toContain("Annie");
    expect(withBytes(await asking(options, SHOWN)(route, parameters))).toContain("Annie");
  }
});
