/** Runs the cases of key stores on each of them. */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { dynamoDBKeyStore, ensureTables } from "protosource-es/dynamodb";
import { memoryKeyStore } from "protosource-es/memory";
import { type KeyStore, type KmsCommands, kmsWrapping } from "protosource-es/personal";
import { sqliteKeyStore } from "protosource-es/sqlite";
import { keyStoreConformance } from "protosource-es/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { engines, freshTables } from "../engines.js";
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

/** Wraps keys as KMS does: by a key of its own, and bound to the context. */
function fakeKms(): KmsCommands {
  const master = randomBytes(32);
  interface Command {
    readonly input: { readonly EncryptionContext: object; readonly CiphertextBlob?: Uint8Array };
  }
  class GenerateDataKeyCommand {
    readonly input: Command["input"];
    constructor(input: Command["input"]) {
      this.input = input;
    }
  }
  class DecryptCommand extends GenerateDataKeyCommand {}
  return {
    GenerateDataKeyCommand,
    DecryptCommand,
    async send(command: Command) {
      const { EncryptionContext, CiphertextBlob } = command.input;
      const aad = Buffer.from(JSON.stringify(EncryptionContext));
      if (CiphertextBlob !== undefined) {
        const cipher = createDecipheriv("aes-256-gcm", master, CiphertextBlob.subarray(0, 12));
        cipher.setAAD(aad).setAuthTag(CiphertextBlob.subarray(12, 28));
        return { Plaintext: Buffer.concat([cipher.update(CiphertextBlob.subarray(28)), cipher.final()]) };
      }
      const [plaintext, nonce] = [randomBytes(32), randomBytes(12)];
      const cipher = createCipheriv("aes-256-gcm", master, nonce).setAAD(aad);
      const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return { Plaintext: plaintext, CiphertextBlob: Buffer.concat([nonce, cipher.getAuthTag(), sealed]) };
    },
  };
}
