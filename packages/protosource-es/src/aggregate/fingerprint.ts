/** What a snapshot was made by, so that the state of another domain isn't taken for this one's. */
import type { DescMessage } from "@bufbuild/protobuf";
import { decodeFingerprint, encodeFingerprint } from "../store/meta.js";
import type { StoredRecord } from "../store/store.js";
import type { Aggregate } from "./aggregate.js";
import { typeOf } from "./fields.js";
import type { AggregateTypes } from "./types.js";
import { isIgnored } from "./upcast.js";

/** What a domain knows of its own snapshots. */
interface Maker {
  /** Sums up the domain: the fields of its aggregate, its retired events, and its revision. It is never 0. */
  readonly fingerprint: number;
  /** Whether events mean still what they have always meant, as far as the domain says. */
  readonly isFirst: boolean;
}

const makers = new WeakMap<object, Maker>();

/** Gives the meta that the record of a snapshot has: the fingerprint of the domain that makes it. */
export function snapshotMeta<T extends AggregateTypes>(definition: Aggregate<T>): Uint8Array {
  return encodeFingerprint(makerOf(definition).fingerprint);
}

/**
 * Tells whether the snapshot in a record was made by a domain in which events led to another state. One without a
 * fingerprint, such as Go's, is right as long as a domain has no retired events and no revision.
 *
 * Throws `corrupt_record` for a meta that can't be read.
 */
export function isStaleSnapshot<T extends AggregateTypes>(definition: Aggregate<T>, record: StoredRecord): boolean {
  const { fingerprint, isFirst } = makerOf(definition);
  const stored = decodeFingerprint(record);
  return stored === undefined ? !isFirst : stored !== fingerprint;
}

function makerOf<T extends AggregateTypes>(definition: Aggregate<T>): Maker {
  let maker = makers.get(definition);
  if (maker === undefined) {
    maker = compile(definition);
    makers.set(definition, maker);
  }
  return maker;
}

function compile<T extends AggregateTypes>(definition: Aggregate<T>): Maker {
  const { schema, model, rules } = definition;
  const { revision = 0 } = rules;
  const fields = (schema as DescMessage).fields.map((field) => `${field.number} ${field.name} ${typeOf(field)}`);
  const retired = model.retired.map((event) => `${event.schema.name} ${isIgnored(definition, event.schema.typeName)}`);
  const text = JSON.stringify([fields.sort(), retired.sort(), revision]);
  return { fingerprint: hashOf(text), isFirst: retired.length === 0 && revision === 0 };
}

/** The 32 bits of FNV-1a, of which 0 stands for none. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash || 1;
}
