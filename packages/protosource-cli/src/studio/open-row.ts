/** The messages of rows, with what is sealed opened where that is wanted. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type KeyModel, keyModel, keyParts } from "protosource-es/model";
import { type KeyFields, type OpaqueRow, queryClient, rehydrate } from "protosource-es/opaquedata";
import type { Keyring } from "protosource-es/personal";
import { NO_KEYS } from "../no-keys.js";
import type { Studio } from "./studio.js";

/** Gives what rows are read with: with `opens` what there is, and else what leaves sealed what is sealed. */
export function keysFor({ schemas: { keyring = NO_KEYS } }: Studio, opens: boolean): Keyring {
  return opens ? keyring : { ...keyring, opener: NO_KEYS.opener };
}

/** Gives the fields that the keys of a message's row are made of. */
export function keyFields(model: KeyModel, message: Message): KeyFields {
  return Object.fromEntries(keyParts(model).map(({ field, read }) => [field.localName, read(message as never)]));
}

/** Reads the message of a row, and opens what can be opened. Throws `corrupt_record`, and `unavailable`. */
export async function openRow(
  studio: Studio,
  schema: DescMessage,
  row: OpaqueRow,
  signal: AbortSignal,
): Promise<Message> {
  const message = rehydrate(schema, row);
  const model = keyModel(schema);
  if (model === undefined) return message;
  const store = { get: async () => row, query: async () => ({ rows: [] }) };
  const client = queryClient(schema, store, keysFor(studio, true));
  return (await client.get(keyFields(model, message), { signal })) ?? message;
}
