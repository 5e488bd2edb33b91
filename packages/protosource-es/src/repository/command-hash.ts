/** What tells one command from another that comes under the same `commandId`. */
import type { DescMessage } from "@bufbuild/protobuf";
import { requireKeyring } from "../aggregate/event-reader.js";
import { binarySerializer } from "../serializer/binary.js";
import type { Task } from "./change.js";
import { commandScope } from "./command-id.js";
import { copyMessage } from "./copy-message.js";
import { commandBehaviourOf } from "./decide.js";
import { streamIdOf } from "./setup.js";

const HASH_BYTES = 8;

type Fields = Record<string, unknown>;

/**
 * Gives 8 bytes of a hash of commands: of their types and of what they say. Their actors don't count, nor does the id of
 * the first aggregate: that may be new at each try, and where it isn't, the claim's owner tells it.
 *
 * Of aggregates with personal fields it is made with the keyring's secret, as what they say could be guessed. Gives
 * undefined where the keyring has none.
 */
export async function commandHash(tasks: readonly Task[]): Promise<Uint8Array | undefined> {
  const personal = tasks.find(({ setup }) => setup.behaviour.isPersonal);
  if (personal === undefined) return (await digestOf(tasks)).slice(0, HASH_BYTES);
  const { typeName } = personal.setup.behaviour.schema;
  const { canBlind, blind } = requireKeyring(personal.setup.format.keyring, typeName);
  if (!canBlind) return undefined;
  const text = blind(commandScope(personal.setup), (await digestOf(tasks)).join());
  return (await sha256(new TextEncoder().encode(text))).slice(0, HASH_BYTES);
}

async function digestOf(tasks: readonly Task[]): Promise<Uint8Array> {
  const parts = tasks.flatMap((task, i) => [
    ...(i === 0 ? [] : [new TextEncoder().encode(streamIdOf(task.setup, task.id))]),
    ...task.commands.map((command) => {
      const { schema } = commandBehaviourOf(task.setup.definition, command);
      const said = { ...copyMessage(schema, command), id: "", actor: "" };
      sortMaps(schema, said);
      return binarySerializer.serialize(schema, said);
    }),
  ]);
  const digests = await Promise.all(parts.map(sha256));
  return sha256(Uint8Array.from(digests.flatMap((digest) => [...digest])));
}

/** The entries of a map come in any order, and are the same all the same. */
function sortMaps(schema: DescMessage, message: Fields): void {
  for (const field of schema.fields) {
    const oneof = field.oneof && (message[field.oneof.localName] as { case?: string; value?: unknown });
    const value = oneof === undefined ? message[field.localName] : oneof.case === field.localName && oneof.value;
    if (typeof value !== "object" || value === null) continue;
    if (field.fieldKind === "map") {
      const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
      message[field.localName] = Object.fromEntries(entries);
    }
    if (field.message === undefined) continue;
    const messages = field.fieldKind === "message" ? [value] : Object.values(value);
    for (const one of messages) sortMaps(field.message, one as Fields);
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer> | Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}
