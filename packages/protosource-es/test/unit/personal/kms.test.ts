/** Keys that KMS wraps: when it doesn't answer, nothing is taken for erased. */
import { Repository } from "protosource-es";
import { dynamoDBKeyStore } from "protosource-es/dynamodb";
import { MemoryStore, memoryKeyStore } from "protosource-es/memory";
import { createKeyring, isErased, type KmsCommands, kmsWrapping } from "protosource-es/personal";
import { expect, test } from "vitest";
import { failure } from "../../failure.js";
import { fakeKms } from "../../fake-kms.js";
import { definePerson, personCommands } from "../../gen/example/app/people/v1/people_v1_protosource.js";

const secret = new TextEncoder().encode("a secret of the tests, long enough");
const as = { id: "p-1", actor: "clerk" };
const register = personCommands.Register({ email: "ann@example.org", name: "Ann Lee", plan: "gold" });

function scene() {
  const kms = fakeKms();
  /** What KMS does with the next commands. */
  const fault: { answer: KmsCommands["send"] | undefined } = { answer: undefined };
  const send: KmsCommands["send"] = (command, options) => (fault.answer ?? kms.send)(command, options);
  const keys = memoryKeyStore({ wrapping: kmsWrapping({ ...kms, send }, "alias/people") });
  const store = new MemoryStore();
  // No key is kept in memory, so that each call asks KMS.
  const keyring = createKeyring(keys, { secret, maxAgeSeconds: 0 });
  return { fault, keys, store, keyring, people: new Repository(definePerson(), store, { keyring }) };
}

const named = (name: string) => async () => {
  throw Object.assign(new Error(`it is a ${name}`), { name });
};
const unreachable: Readonly<Record<string, KmsCommands["send"]>> = {
  TimeoutError: named("TimeoutError"),
  ThrottlingException: named("ThrottlingException"),
  KMSInvalidStateException: named("KMSInvalidStateException"),
  DisabledException: named("DisabledException"),
  NotFoundException: named("NotFoundException"),
  "an answer without a key": async () => ({}),
  "an answer with too short a key": async () => ({ Plaintext: new Uint8Array(16), CiphertextBlob: new Uint8Array(16) }),
};

test.each(Object.entries(unreachable))("%s is unavailable, and never erased", async (_, answer) => {
  const { fault, people, keys, store } = scene();
  fault.answer = answer;
  expect(await failure(people.apply(register, as))).toMatchObject({ code: "unavailable" });
  expect(await keys.status("p-1")).toBeUndefined();
  expect(await people.exists("p-1")).toBe(false);
  fault.answer = undefined;
  await people.apply(register, as);
  fault.answer = answer;
  for (const read of [people.load("p-1"), people.history("p-1"), people.apply(register, as)]) {
    expect(await failure(read)).toMatchObject({ code: "unavailable" });
  }
  expect(await people.loadMany(["p-1"])).toMatchObject([{ error: { code: "unavailable" } }]);
  fault.answer = undefined;
  const person = await people.load("p-1");
  expect(person).toMatchObject({ name: "Ann Lee" });
  expect(isErased(person)).toBe(false);
  expect((await store.load("example_app_people_v1#p-1")).records).toHaveLength(1);
});

test("a table of keys that can't be reached is unavailable too, and never erased", async () => {
  const { store, people } = scene();
  await people.apply(register, as);
  const client = { send: async () => Promise.reject(Object.assign(new Error("refused"), { name: "TimeoutError" })) };
  const keys = dynamoDBKeyStore(client as never, { timeLimits: { totalMs: 200 } });
  const others = new Repository(definePerson(), store, { keyring: createKeyring(keys, { secret }) });
  expect(await failure(others.load("p-1"))).toMatchObject({ code: "unavailable" });
  expect(await failure(others.apply(register, { ...as, id: "p-2" }))).toMatchObject({ code: "unavailable" });
});

test("a missing permission is denied, and an aborted call cancelled", async () => {
  const { fault, people, keyring } = scene();
  await people.apply(register, as);
  fault.answer = named("AccessDeniedException");
  expect(await failure(people.load("p-1"))).toMatchObject({ code: "denied" });
  const controller = new AbortController();
  fault.answer = async (_, { abortSignal }) => {
    controller.abort();
    throw Object.assign(new Error("aborted"), { name: "AbortError", aborted: abortSignal?.aborted });
  };
  expect(await failure(people.load("p-1", { signal: controller.signal }))).toMatchObject({ code: "cancelled" });
  fault.answer = undefined;
  await keyring.forget("p-1");
  fault.answer = named("TimeoutError");
  // An erased key needs no KMS to be known as one.
  expect(isErased(await people.load("p-1"))).toBe(true);
});
