/** Data keys that are kept wrapped by a key of AWS KMS, which never leaves it. */
import { asError, isErrorLike, ProtosourceError } from "../errors.js";
import { KEY_BYTES } from "./cipher.js";
import type { KeyWrapping } from "./key-table.js";

/** What is asked of KMS, as `@aws-sdk/client-kms` has it: the function that sends a command, and two commands. */
export interface KmsCommands {
  /** Sends a command: `(command, options) => client.send(command, options)`. */
  readonly send: (command: never, options: { abortSignal?: AbortSignal }) => Promise<KmsAnswer>;
  /** `GenerateDataKeyCommand` of `@aws-sdk/client-kms`. */
  readonly GenerateDataKeyCommand: new (
    input: KmsInput & { readonly KeyId: string; readonly KeySpec: "AES_256" },
  ) => unknown;
  /** `DecryptCommand` of `@aws-sdk/client-kms`. */
  readonly DecryptCommand: new (
    input: KmsInput & { readonly KeyId: string; readonly CiphertextBlob: Uint8Array },
  ) => unknown;
}

interface KmsInput {
  /** Which data key it is: KMS unwraps it for no other, and tells of it in CloudTrail. */
  readonly EncryptionContext: { readonly [name: string]: string };
}

interface KmsAnswer {
  readonly Plaintext?: Uint8Array | undefined;
  readonly CiphertextBlob?: Uint8Array | undefined;
}

/** What KMS calls a missing permission. */
const DENIED = new Set(["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"]);

/**
 * Wraps data keys by one key of AWS KMS, `keyId`. It costs a request to KMS for each key that is made, and one for each
 * that isn't in the keyring's memory; the KMS key itself is one, however many persons there are.
 */
export function kmsWrapping(kms: KmsCommands, keyId: string): KeyWrapping {
  const ask = async (operation: string, command: unknown, signal: AbortSignal | undefined): Promise<KmsAnswer> => {
    try {
      return await kms.send(command as never, { ...(signal && { abortSignal: signal }) });
    } catch (cause) {
      if (!signal?.aborted) throw failureOf(operation, cause);
      const message = `${operation} of KMS: the signal was aborted`;
      throw new ProtosourceError("cancelled", message, { operation }, { cause });
    }
  };
  return {
    async generate(id, { signal }) {
      const command = new kms.GenerateDataKeyCommand({
        KeyId: keyId,
        KeySpec: "AES_256",
        EncryptionContext: contextOf(id),
      });
      const { Plaintext: bytes, CiphertextBlob: wrapped } = await ask("GenerateDataKey", command, signal);
      if (!isKey(bytes) || wrapped === undefined) throw failureOf("GenerateDataKey", "an answer without a key");
      return { bytes, wrapped };
    },
    async unwrap(id, wrapped, { signal }) {
      const command = new kms.DecryptCommand({
        KeyId: keyId,
        CiphertextBlob: wrapped,
        EncryptionContext: contextOf(id),
      });
      const { Plaintext: bytes } = await ask("Decrypt", command, signal);
      if (!isKey(bytes)) throw failureOf("Decrypt", "an answer without a key");
      return bytes;
    },
  };
}

function isKey(bytes: Uint8Array | undefined): bytes is Uint8Array {
  return bytes?.length === KEY_BYTES;
}

function contextOf(id: string): KmsInput["EncryptionContext"] {
  return { "protosource-key": id };
}

/** What can't be unwrapped is never taken for erased. */
function failureOf(operation: string, cause: unknown): ProtosourceError {
  const reason = isErrorLike(cause) ? cause.name : String(cause);
  const message = `KMS doesn't answer ${operation}: ${asError(cause).message}`;
  if (DENIED.has(reason)) {
    return new ProtosourceError("denied", `${message}: allow it on the key`, { reason }, { cause });
  }
  return new ProtosourceError(
    "unavailable",
    `${message}: look at the state of the key, and try again`,
    { operation, reasons: [reason], outcome: "not_applied" },
    { cause },
  );
}
