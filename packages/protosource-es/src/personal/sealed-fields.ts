import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { envelopesOf, isErasedEnvelope } from "./envelopes.js";
import { personalPlan } from "./personal-plan.js";

/** What of a message is closed: which of these fields have a value is sealed too. */
export interface SealedFields {
  /** Sealed: they read as empty, and open with their key. */
  readonly sealed: readonly DescField[];
  /** Whether a person was forgotten who had fields here, as `isErased` tells. */
  readonly erased: boolean;
}

/**
 * Tells what is sealed in a message that was read without keys. Of messages within it, each tells for itself. Where what is
 * sealed is damaged, all personal fields count as sealed.
 */
export function sealedFields(schema: DescMessage, message: Message): SealedFields {
  if (message.$unknown === undefined) return { sealed: [], erased: false };
  const { groups = [] } = personalPlan(schema) ?? {};
  let envelopes: ReturnType<typeof envelopesOf>;
  try {
    envelopes = envelopesOf(message);
  } catch {
    return { sealed: groups.flatMap(({ fields }) => fields), erased: false };
  }
  const sealed = envelopes.filter((envelope) => !isErasedEnvelope(envelope));
  return {
    sealed: groups
      .filter((group) => sealed.some(({ subject }) => subject === group.subject.number))
      .flatMap(({ fields }) => fields),
    erased: sealed.length < envelopes.length,
  };
}
