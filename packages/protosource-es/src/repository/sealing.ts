/** Between steps 6 and 7: the keys for the personal fields of what a command stores. */
import type { AggregateMessage, Behaviour, EventMessage } from "../aggregate/behaviour.js";
import { requireKeyring } from "../aggregate/event-reader.js";
import type { CallOptions } from "../call-options.js";
import { ProtosourceError } from "../errors.js";
import { blindFields } from "../personal/blind-keys.js";
import { keepsEnvelopes } from "../personal/keeps-envelopes.js";
import type { Keyring, Sealer, TypedMessage } from "../personal/keyring.js";
import { viewsOf } from "../read-models/materialize.js";
import { binarySerializer } from "../serializer/binary.js";
import type { RepositoryOptions } from "./repository-options.js";
import { schemaOf } from "./save.js";

/**
 * Fetches the keys to seal events and the rows of their aggregate with; undefined where nothing of it is personal.
 * Throws `not_configured` without a keyring, `subject_erased`, and `unavailable`.
 */
export async function sealerOf(
  behaviour: Behaviour,
  events: readonly EventMessage[],
  aggregate: AggregateMessage,
  keyring: Keyring | undefined,
  options?: CallOptions,
): Promise<Sealer | undefined> {
  if (!behaviour.isPersonal) return undefined;
  const messages: readonly TypedMessage[] = [
    ...events.map((event): TypedMessage => [schemaOf(behaviour, event), event]),
    ...viewsOf(behaviour, aggregate).map(({ schema, message }): TypedMessage => [schema, message]),
  ];
  return requireKeyring(keyring, behaviour.schema.typeName).sealer(messages, options);
}

/**
 * Sees that a repository can seal the personal fields of its aggregate. Throws `not_configured` without a keyring, without
 * its secret where one is needed, with a serializer that would lose what is sealed, and where streams are shared with Go.
 */
export function checkPersonal(behaviour: Behaviour, hasUnique: boolean, options: RepositoryOptions): void {
  const { schema, projections, registry } = behaviour;
  const { typeName } = schema;
  const { canBlind } = requireKeyring(options.keyring, typeName);
  if (!keepsEnvelopes(options.serializer ?? binarySerializer, schema, registry)) {
    throw notConfigured(
      "serializer",
      `${typeName} has personal fields, and the serializer would lose what is sealed of them: take the binary one`,
    );
  }
  if (options.sharedWithGo) {
    throw notConfigured(
      "sharedWithGo",
      `${typeName} has personal fields, which the snapshots and rows of a Go service would lose: let no Go service share its streams`,
    );
  }
  const found = [schema, ...projections.map((projection) => projection.schema)].flatMap(blindFields);
  if (!canBlind && (hasUnique || found.length > 0)) {
    const what = found[0] === undefined ? "unique values" : `the personal key ${found[0].parent.name}.${found[0].name}`;
    throw notConfigured("secret", `${typeName} has ${what}: give the keyring a secret to make of it what is stored`);
  }
}

function notConfigured(option: string, message: string): ProtosourceError<"not_configured"> {
  return new ProtosourceError("not_configured", message, { option });
}
