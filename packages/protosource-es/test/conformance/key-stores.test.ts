/** Runs the cases of key stores on each of them. */
import { randomUUID } from "node:crypto";
import { dynamoDBKeyStore, ensureTables } from "protosource-es/dynamodb";
import { memoryKeyStore } from "protosource-es/memory";
import { type KeyStore, kmsWrapping } from "protosource-es/personal";
import { sqliteKeyStore } from "protosource-es/sqlite";
import { keyStoreConformance } from "protosource-es/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { engines, freshTables } from "../engines.js";
import { fakeKms } from "../fake-kms.js";
import { drivers, testFolder } from "../integration/sqlite/drivers.js";

function runCases(open: () => KeyStore): void {
  for (const { name, run } of keyStoreConformance) {
    const ours = randomUUID();
    test(name, () => run({ open, subject: (subject) => `${subject}-${ours}` }));
  }
}

describe("memoryKeyStore", () => {
  const store = memoryKeyStore();
  runCases(() => store);
});

describe.each(drivers)("sqliteKeyStore on $name", ({ driver }) => {
  const folder = testFolder();
  afterAll(() => folder.remove());
  runCases(() => sqliteKeyStore(folder.open("keys.db", { driver })));
});

describe.each(engines)("dynamoDBKeyStore on $name", (engine) => {
  const keysTable = `keys-${randomUUID()}`;
  const client = engine.client();
  beforeAll(async () => {
    await ensureTables(client, { ...freshTables(), keysTable });
  });
  afterAll(() => client.destroy());
  runCases(() => dynamoDBKeyStore(client, { table: keysTable }));
});

describe("a key store whose keys KMS wraps", () => {
  const wrapping = kmsWrapping(fakeKms(), "alias/people");
  const store = memoryKeyStore({ wrapping });
  runCases(() => store);
});
