/** The messages of rows that have been read together. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { CallOptions } from "../call-options.js";
import { ProtosourceError } from "../errors.js";
import type { Keyring } from "../personal/keyring.js";
import { personalPlan } from "../personal/personal-plan.js";
import { rowPlace } from "../personal/places.js";
import { rehydrate, rowName } from "./opaque-data.js";
import type { OpaqueRow } from "./opaque-store.js";

/** Gives the messages of rows, in their order. Throws `corrupt_record`, `key_missing`, and `unavailable`. */
export type ReadRows<D extends DescMessage> = (
  rows: readonly OpaqueRow[],
  options?: CallOptions,
) => Promise<readonly MessageShape<D>[]>;

/**
 * Makes the function that reads the messages of rows. Where they have personal fields, the keys of all that are read at
 * once are fetched together.
 *
 * Throws `not_configured` without a keyring where a message has personal fields.
 */
export function rowReader<D extends DescMessage>(schema: D, keyring: Keyring | undefined): ReadRows<D> {
  if (personalPlan(schema) === undefined) return async (rows) => rows.map((row) => rehydrate(schema, row));
  if (keyring === undefined) {
    throw new ProtosourceError(
      "not_configured",
      `${schema.typeName} has personal fields, which are stored sealed: give the keyring that opens them`,
      { option: "keyring" },
    );
  }
  return async (rows, options) => {
    const messages = rows.map((row) => rehydrate(schema, row));
    const open = await keyring.opener(
      messages.map((message) => [schema, message]),
      options,
    );
    for (const [i, row] of rows.entries()) {
      open(schema, messages[i] as MessageShape<D>, rowPlace(row), rowName(row));
    }
    return messages;
  };
}
