import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { KmsCommands } from "protosource-es/personal";

/** Wraps keys as KMS does: by a key of its own, and bound to the context. */
export function fakeKms(): KmsCommands {
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
