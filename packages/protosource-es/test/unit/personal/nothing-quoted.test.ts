/** Errors go to logs and to callers: none of them quotes what a personal field held. */
import { inspect } from "node:util";
import { Repository, type RepositoryOptions } from "protosource-es";
import { DynamoDBStore } from "protosource-es/dynamodb";
import { MemoryOpaqueStore, MemoryStore, memoryKeyStore } from "protosource-es/memory";
import { createKeyring } from "protosource-es/personal";
import { expect, test } from "vitest";
import { failure } from "../../failure.js";
import {
  ContactQueries,
  definePerson,
  PersonQueries,
  type PersonRules,
  personCommands,
  personEvents,
} from "../../gen/example/app/people/v1/people_v1_protosource.js";

const STREAM = "example_app_people_v1#";
const MARKER = "Xanthippe-4711";
const secret = new TextEncoder().encode("a secret of the tests, long enough");

function scene(rules: PersonRules = {}, options: RepositoryOptions = {}) {
  const logged: unknown[] = [];
  const logger = { warn: (...said: unknown[]) => void logged.push(said) };
  const opaqueStore = new MemoryOpaqueStore();
  const store = new MemoryStore({ opaqueStore });
  const keyring = createKeyring(memoryKeyStore(), { secret });
  const people = new Repository(definePerson(rules), store, { keyring, logger, ...options });
  return { people, store, opaqueStore, keyring, logged };
}

/** People in a table that nothing is sent to but reads, which find nothing. */
function dynamo() {
  const client = { send: async () => ({ Items: [] }) };
  const keyring = createKeyring(memoryKeyStore(), { secret });
  return new Repository(definePerson(), new DynamoDBStore(client as never), { keyring });
}

type Scene = ReturnType<typeof scene>;
const register = (fields: object) => personCommands.Register({ email: MARKER, name: MARKER, ...fields } as never);
const send = (address: object) =>
  personCommands.Send({ parcel: { parcelId: "b-1", recipientId: "p-2", address } } as never);
const as = (id: string) => ({ id, actor: "clerk" });

/** Calls that fail, each with the marker in a personal field. */
const failing: Readonly<Record<string, (here: Scene) => Promise<unknown>>> = {
  "invalid_argument, of another field": ({ people }) => people.apply(register({ plan: 5 }), as("p-1")),
  "invalid_argument, a list for a text": ({ people }) => people.apply(register({ name: [MARKER] }), as("p-1")),
  "invalid_argument, half a letter": ({ people }) => people.apply(register({ name: `${MARKER}\ud800` }), as("p-1")),
  "invalid_argument, half a letter in a key": ({ people }) =>
    people.apply(register({ email: `${MARKER}\ud800` }), as("p-1")),
  "invalid_argument, a text for a number": async ({ people }) => {
    await people.apply(register({}), as("p-1"));
    await people.apply(send({ lines: [MARKER], point: MARKER }), as("p-1"));
  },
  "invalid_argument, an object for a map": async ({ people }) => {
    await people.apply(register({}), as("p-1"));
    await people.apply(send({ notes: { a: [MARKER] } }), as("p-1"));
  },
  "invalid_argument, a key that isn't one": ({ opaqueStore, keyring }) =>
    new PersonQueries(opaqueStore, keyring).selectByEmail([MARKER] as never),
  "invalid_argument, a key of a projection": ({ opaqueStore, keyring }) =>
    new ContactQueries(opaqueStore, keyring).selectByEmail({ [MARKER]: 1 } as never),
  "validation_failed, of the service's own rules": async () => {
    const validate = () => [{ field: "name", jsonField: "name", rule: "a rule", message: "is too short" }];
    await scene({}, { validate }).people.apply(register({}), as("p-1"));
  },
  "too_large, an event": () => dynamo().apply(register({ name: MARKER.repeat(40_000) }), as("p-1")),
  "too_large, an appended event": () =>
    dynamo().save("p-1", [personEvents.Registered({ name: MARKER.repeat(40_000) })]),
  "invalid_argument, an appended event of another person": ({ people }) =>
    people.save("p-1", [personEvents.Registered({ id: "p-2", name: MARKER })]),
  "invalid_argument, an appended event with a list for a text": ({ people }) =>
    people.save("p-1", [{ ...personEvents.Registered({}), name: [MARKER] } as never]),
  "invalid_argument, an appended event with half a letter": ({ people }) =>
    people.save("p-1", [personEvents.Registered({ name: `${MARKER}\ud800` })]),
  "version_conflict, an appended event": ({ people }) =>
    people.save("p-1", [personEvents.Registered({ version: 7n, name: MARKER })]),
  "unhandled_event, an appended event": ({ people }) =>
    people.save("p-1", [{ ...personEvents.Registered({ name: MARKER }), $typeName: "example.Other" } as never]),
  subject_erased: async ({ people, keyring }) => {
    await keyring.forget("p-1");
    await people.apply(register({}), as("p-1"));
  },
  already_created: async ({ people }) => {
    await people.apply(register({}), as("p-1"));
    await people.apply(register({}), as("p-1"));
  },
  claim_taken: async () => {
    const { people } = scene({ unique: { email: ({ email }) => email } });
    await people.apply(register({}), as("p-1"));
    await people.apply(register({}), as("p-2"));
  },
  corrupt_record: async ({ people, store, keyring }) => {
    await people.apply(register({}), as("p-1"));
    const { records } = await store.load(`${STREAM}p-1`);
    await store.save(`${STREAM}p-2`, records);
    await new Repository(definePerson(), store, { keyring, materialize: "off" }).load("p-2");
  },
  key_missing: async ({ people, store }) => {
    await people.apply(register({}), as("p-1"));
    const others = createKeyring(memoryKeyStore(), { secret });
    await new Repository(definePerson(), store, { keyring: others }).load("p-1");
  },
};

test.each(Object.entries(failing))("%s", async (code, run) => {
  const here = scene();
  const error = await failure(run(here));
  expect(error).toMatchObject({ code: code.replace(/,.*/, "") });
  expect(inspect([error, here.logged], { depth: 20, maxStringLength: 1_000_000 })).not.toContain(MARKER);
});
