/** A person whose fields are sealed, opened, and forgotten. */
import { serialize } from "node:v8";
import { clearExtension } from "@bufbuild/protobuf";
import { type CachedAggregate, Repository, type RepositoryOptions } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore, memoryKeyStore } from "protosource-es/memory";
import { createKeyring, isErased, type KeyringOptions } from "protosource-es/personal";
import { protosource_opaque_field } from "protosource-es/proto/funinthecloud/protosource/options/v1/options_v1_pb.js";
import { jsonSerializer } from "protosource-es/serializer";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import type { Person } from "../../gen/example/app/people/v1/people_v1_pb.js";
import {
  ContactQueries,
  definePerson,
  PersonQueries,
  personCommands,
  personEvents,
} from "../../gen/example/app/people/v1/people_v1_protosource.js";
import { fieldNamed, messageNamed, redefined, retire } from "../../redefine.js";

const secret = new TextEncoder().encode("a secret of the tests, long enough");
const EMAIL = "ann.lee@example.org";
const NAME = "Ann Lee";

function scene(options: RepositoryOptions = {}, keyringOptions: KeyringOptions = { secret }) {
  const kept = { streams: new Map(), claims: new Map() };
  const rows = new Map();
  const store = new MemoryStore({ ...kept, opaqueStore: new MemoryOpaqueStore({ rows }) });
  const keys = memoryKeyStore();
  const keyring = createKeyring(keys, keyringOptions);
  const people = new Repository(definePerson(), store, { keyring, ...options });
  return { kept: { ...kept, rows }, store, keys, keyring, people };
}

const as = (id: string) => ({ id, actor: "clerk" });
const register = personCommands.Register({ email: EMAIL, name: NAME, plan: "gold" });

/** All that is stored, as text of one byte a character. */
function dump({ kept }: { readonly kept: object }): string {
  return serialize(kept).toString("latin1");
}

describe("a personal field", () => {
  test("is stored sealed, and read as it was", async () => {
    const here = scene({ compressThreshold: 0 });
    const { people, store, keyring } = here;
    const { aggregate } = await people.apply(register, as("p-1"));
    expect(aggregate).toMatchObject({ email: EMAIL, name: NAME, plan: "gold" });
    expect(await people.load("p-1")).toMatchObject({ email: EMAIL, name: NAME, plan: "gold" });
    expect(await people.history("p-1")).toMatchObject([{ email: EMAIL, name: NAME }]);
    expect(await new ContactQueries(store.opaqueStore, keyring).get("p-1")).toMatchObject({ email: EMAIL, name: NAME });
    const { items } = await new PersonQueries(store.opaqueStore, keyring).selectByEmail(EMAIL);
    expect(items).toMatchObject([{ id: "p-1", email: EMAIL }]);
    expect(dump(here)).toContain("gold");
    expect(dump(here)).not.toMatch(/Ann Lee|ann\.lee/);
  });

  test("is empty once the person is forgotten, and all else is as it was", async () => {
    const here = scene({ compressThreshold: 0 });
    const { people, store, keyring } = here;
    await people.apply(register, as("p-1"));
    await people.apply(register, as("p-2"));
    const before = dump(here);
    expect(await keyring.forget("p-1", { reason: "request 12" })).toMatchObject({ hasKey: false, erasedKeys: 1 });
    const person = await people.load("p-1");
    expect(person).toMatchObject({ email: "", name: "", plan: "gold" });
    expect(isErased(person)).toBe(true);
    expect(dump(here)).toBe(before);
    const queries = new PersonQueries(store.opaqueStore, keyring);
    expect((await queries.selectByEmail(EMAIL)).items).toMatchObject([{ id: "p-2" }]);
    const row = await queries.get("p-1");
    expect(row).toMatchObject({ email: "", plan: "gold" });
    expect(row && isErased(row)).toBe(true);
    expect(isErased(await people.load("p-2"))).toBe(false);
  });

  test("isn't stored of a person who was forgotten, until a new key is asked for", async () => {
    const { people, keyring, store, keys } = scene();
    await people.apply(register, as("p-1"));
    await keyring.forget("p-1");
    const rename = personCommands.Rename({ name: "Ann again" });
    expect(await failure(people.apply(rename, as("p-1")))).toMatchObject({
      code: "subject_erased",
      details: { subject: "p-1" },
    });
    await people.apply(personCommands.ChangePlan({ plan: "basic" }), as("p-1"));
    const renewing = createKeyring(keys, { secret, renew: true });
    const again = new Repository(definePerson(), store, { keyring: renewing });
    await again.apply(rename, as("p-1"));
    expect(await people.load("p-1")).toMatchObject({ name: "Ann again", email: "", plan: "basic" });
  });

  test("is empty in what a warm cache holds too, which keeps it sealed", async () => {
    const cache = new Map<string, CachedAggregate>();
    const here = scene({ cache });
    const seen: Person[] = [];
    const person = definePerson({
      evaluate: {
        ChangePlan(state) {
          seen.push(structuredClone(state));
          return "proceed";
        },
      },
    });
    const people = new Repository(person, here.store, { keyring: here.keyring, cache, guardCache: false });
    await people.apply(register, as("p-1"));
    const [entry] = cache.values();
    expect(Buffer.from(entry?.state ?? []).toString("latin1")).toContain("gold");
    expect(dump({ kept: { cache: [...cache.values()].map(({ state, last }) => [state, last.data]) } })).not.toMatch(
      /Ann Lee|ann\.lee/,
    );
    const change = (plan: string) => people.apply(personCommands.ChangePlan({ plan }), as("p-1"));
    await change("silver");
    await here.keyring.forget("p-1");
    const { aggregate } = await change("basic");
    await change("gold");
    expect(seen.map(({ name }) => name)).toEqual([NAME, "", ""]);
    expect(seen.map(isErased)).toEqual([false, true, true]);
    expect(aggregate).toMatchObject({ email: "", name: "", plan: "basic" });
    expect(isErased(aggregate)).toBe(true);
  });

  test("of a later schema stays out of what this one reads, and stays in what is stored", async () => {
    const here = scene({ materialize: "off" });
    // The next release knows one more personal field.
    const later = redefined(definePerson(), (proto) => {
      for (const name of ["Person", "Registered"]) {
        const { name: _, number: __, jsonName: ___, ...like } = fieldNamed(proto, name, "name");
        messageNamed(proto, name).field.push({ ...like, name: "phone", number: 99, jsonName: "phone" } as never);
      }
      const { name: _, number: __, jsonName: ___, options: ____, ...like } = fieldNamed(proto, "Register", "name");
      messageNamed(proto, "Register").field.push({ ...like, name: "phone", number: 99, jsonName: "phone" } as never);
    });
    const next = new Repository(later, here.store, { keyring: here.keyring, materialize: "off" });
    const { typeName } = later.model.commands.find(({ schema }) => schema.name === "Register")?.schema ?? {};
    const fields = { email: EMAIL, name: NAME, plan: "gold", phone: "0171 4711" };
    await next.apply({ ...register, ...fields, $typeName: typeName } as never, as("p-1"));
    expect(await next.load("p-1")).toMatchObject({ name: NAME, phone: "0171 4711" });
    expect(dump(here)).not.toContain("4711");
    const person = await here.people.load("p-1");
    expect(person).toMatchObject({ email: EMAIL, name: NAME });
    expect(person.$unknown).toBeUndefined();
    expect(serialize(await here.people.history("p-1")).toString("latin1")).not.toContain("4711");
    for (const plan of ["a", "b", "c"]) await here.people.apply(personCommands.ChangePlan({ plan }), as("p-1"));
    expect(dump(here)).not.toContain("4711");
    expect(await next.load("p-1")).toMatchObject({ name: NAME, phone: "0171 4711", plan: "c" });
  });

  test("needs a keyring, its secret, a serializer that keeps what is sealed, and no Go service", () => {
    const wrong = (options: RepositoryOptions, keyringOptions?: KeyringOptions) =>
      failure((async () => scene(options, keyringOptions))());
    return expect(
      Promise.all([
        wrong({ keyring: undefined }),
        wrong({}, {}),
        wrong({ serializer: jsonSerializer }),
        wrong({ sharedWithGo: true }),
      ]),
    ).resolves.toMatchObject(
      ["keyring", "secret", "serializer", "sharedWithGo"].map((option) => ({
        code: "not_configured",
        details: { option },
      })),
    );
  });

  test("of which the key is unknown is never taken for erased", async () => {
    const { people, store } = scene();
    await people.apply(register, as("p-1"));
    const others = new Repository(definePerson(), store, { keyring: createKeyring(memoryKeyStore(), { secret }) });
    expect(await failure(others.load("p-1"))).toMatchObject({ code: "key_missing" });
  });

  test("can't be guessed from what a command is known by", async () => {
    const purposeOf = async (secretText: string) => {
      const { people, store } = scene({}, { secret: new TextEncoder().encode(secretText) });
      await people.apply(register, { ...as("p-1"), commandId: "c-1" });
      expect(await people.apply(register, { ...as("p-1"), commandId: "c-1" })).toMatchObject({ repeated: true });
      const another = personCommands.Rename({ name: "Ben" });
      expect(await failure(people.apply(another, { ...as("p-1"), commandId: "c-1" }))).toMatchObject({
        code: "command_id_reused",
      });
      return (await store.findClaim("example.app.people.v1.Person#command", "c-1"))?.purpose;
    };
    const [one, again, other] = await Promise.all(
      ["secret one 123456", "secret one 123456", "secret two 123456"].map(purposeOf),
    );
    expect(one).toHaveLength(8);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test("leaves no trace of what a command said where there is no secret to hide it", async () => {
    const { store, keys } = scene();
    const keyring = createKeyring(keys);
    const plain = redefined(definePerson(), (proto) => {
      for (const { field } of ["Person", "Contact"].map((name) => messageNamed(proto, name))) {
        for (const { options } of field) if (options) clearExtension(options, protosource_opaque_field);
      }
    });
    const people = new Repository(plain, store, { keyring, materialize: "off" });
    await people.apply(register, { ...as("p-1"), commandId: "c-1" });
    const claim = await store.findClaim("example.app.people.v1.Person#command", "c-1");
    expect(claim).toBeDefined();
    expect(claim?.purpose ?? []).toHaveLength(0);
    expect(await people.apply(register, { ...as("p-1"), commandId: "c-1" })).toMatchObject({ repeated: true });
  });

  test("takes its room in a snapshot, as it can't be compressed once it is sealed", async () => {
    const warnings: string[] = [];
    const logger = { warn: (text: string) => void warnings.push(text) };
    const { people, store } = scene({ logger, materialize: "off" });
    const long = "x".repeat(250_000);
    await people.apply(personCommands.Register({ email: long, name: "Ann", plan: "gold" }), as("p-1"));
    await people.apply(personCommands.Rename({ name: long }), as("p-1"));
    for (const plan of ["silver", "basic", "gold"]) await people.apply(personCommands.ChangePlan({ plan }), as("p-1"));
    expect(warnings).toEqual([expect.stringContaining("it is left out")]);
    const { records } = await store.load("example_app_people_v1#p-1");
    expect(records.map(({ version }) => version)).toEqual([1n, 2n, 3n, 4n, 5n]);
    expect(await people.load("p-1")).toMatchObject({ email: long, name: long, plan: "gold" });
  });

  test("of a retired event is opened before its upcast, and erased in what that gives", async () => {
    const { people, store, keyring } = scene();
    await people.apply(register, as("p-1"));
    await people.apply(personCommands.Rename({ name: "Ann Lee Jones" }), as("p-1"));
    // What was once a new name is a new plan now.
    const upcast = {
      Renamed: ({ name }: { readonly name: string }) => personEvents.PlanChanged({ plan: `of ${name}` }),
    };
    const now = redefined({ ...definePerson(), rules: { upcast } as never }, (proto) =>
      retire(proto, "Renamed", "Rename"),
    );
    const nextYear = new Repository(now, store, { keyring });
    const { $typeName } = personEvents.PlanChanged({});
    const [, opened] = await nextYear.history("p-1");
    expect(opened).toMatchObject({ $typeName, version: 2n, plan: "of Ann Lee Jones" });
    expect(opened && isErased(opened)).toBe(false);
    expect(await nextYear.load("p-1")).toMatchObject({ plan: "of Ann Lee Jones" });
    await keyring.forget("p-1");
    const [, erased] = await nextYear.history("p-1");
    expect(erased).toMatchObject({ $typeName, version: 2n, plan: "of " });
    expect(erased && isErased(erased)).toBe(true);
    const person = await nextYear.load("p-1");
    expect(person).toMatchObject({ name: "", plan: "of " });
    expect(isErased(person)).toBe(true);
  });
});
