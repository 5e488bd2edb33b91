/** Below the repository: where an aggregate's events are, and what they look like there. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Aggregate } from "../aggregate/aggregate.js";
import { behaviourOf, type EventMessage } from "../aggregate/behaviour.js";
import { decodeRecord, openEvent } from "../aggregate/decode-record.js";
import type { AggregateTypes, EventOf } from "../aggregate/types.js";
import { upcast } from "../aggregate/upcast.js";
import { invalid, ProtosourceError } from "../errors.js";
import { RecordSchema } from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
import { compress, DEFAULT_COMPRESS_THRESHOLD } from "../gzip/gzip.js";
import type { Open, Sealer } from "../personal/keyring.js";
import { personalPlan } from "../personal/personal-plan.js";
import { eventPlace } from "../personal/places.js";
import { binarySerializer } from "../serializer/binary.js";
import type { Serializer } from "../serializer/serializer.js";
import type { StoredRecord } from "../store/store.js";
import { schemaOf } from "./save.js";

/** How the events of a stream are written. It is the same for all who read and write it. */
export interface RecordOptions {
  /** Binary by default. */
  readonly serializer?: Serializer | undefined;
  /** Data of this many bytes and more is gzipped; 300 by default, and 0 for never. */
  readonly compressThreshold?: number | undefined;
}

/** Gives what the ids of an aggregate's streams begin with, such as `example_app_order_v1#`. */
export function streamPrefix<T extends AggregateTypes>({ schema }: Aggregate<T>): string {
  return behaviourOf(schema as DescMessage).streamPrefix;
}

/** Gives the id of the stream of an aggregate, as a store takes it. */
export function streamId<T extends AggregateTypes>(aggregate: Aggregate<T>, id: string): string {
  return streamPrefix(aggregate) + id;
}

/**
 * Writes an event, or a snapshot, as the record that a store keeps. The event has its version already; the record expires
 * at `ttl`, in epoch seconds, and never by default. What made a snapshot isn't known here, so that the record doesn't say.
 *
 * Throws `unhandled_event` for an event of another aggregate, `invalid_argument` for a version below 1, and `not_configured`
 * for one with personal fields where there is nothing that seals them.
 */
export function toRecord<T extends AggregateTypes>(
  { schema }: Aggregate<T>,
  event: EventOf<T> | Message,
  options: RecordOptions & { readonly ttl?: bigint | undefined; readonly sealer?: Sealer | undefined } = {},
): StoredRecord {
  const { serializer = binarySerializer, compressThreshold = DEFAULT_COMPRESS_THRESHOLD, ttl = 0n } = options;
  const behaviour = behaviourOf(schema as DescMessage);
  const message = event as EventMessage;
  const { version } = message;
  if (version < 1n) throw invalid("event", `an event can't be stored with version ${version}: number it from 1n on`);
  const eventSchema = schemaOf(behaviour, message);
  const stored = personalPlan(eventSchema)
    ? requireSealer(options.sealer, eventSchema).seal(
        eventSchema,
        message,
        eventPlace(behaviour.streamPrefix + message.id, version),
      )
    : message;
  const data = serializer.serialize(eventSchema, stored);
  return create(RecordSchema, { version, data: compress(data, compressThreshold), ttl });
}

/**
 * Reads the event, or the snapshot, in a record of an aggregate's stream. A retired event is upcast; one that is to be
 * ignored comes as it is stored. Personal fields stay sealed, and so empty, unless `open` is given: `opener` of the keyring
 * makes it for events that were read without.
 *
 * Throws `unhandled_event` for one of another aggregate, and `corrupt_record`, both with the version.
 */
export function fromRecord<T extends AggregateTypes>(
  definition: Aggregate<T>,
  record: StoredRecord,
  {
    serializer = binarySerializer,
    open,
  }: Pick<RecordOptions, "serializer"> & { readonly open?: Open | undefined } = {},
): EventOf<T> | Message {
  const behaviour = behaviourOf(definition.schema as DescMessage);
  const event = decodeRecord(behaviour, serializer, `a stream of ${definition.schema.typeName}`, record);
  if (open !== undefined) openEvent(behaviour, behaviour.streamPrefix + event.id, record, event, open);
  return upcast(definition, event);
}

/**
 * Makes a projection of an aggregate, as its row holds it: the fields of the same names.
 *
 * Throws `invalid_argument` for a message that is no projection of the aggregate.
 */
export function project<T extends AggregateTypes, P extends Message>(
  { schema }: Aggregate<T>,
  projection: GenMessage<P>,
  aggregate: T["aggregate"],
): P {
  const { projections } = behaviourOf(schema as DescMessage);
  const found = projections.find((one) => one.schema.typeName === projection.typeName);
  if (found === undefined) {
    throw invalid("projection", `${projection.typeName} is no projection of ${schema.typeName}: give one of its file`);
  }
  const message = create(found.schema);
  found.copyAggregate(aggregate as never, message);
  return message as P;
}

function requireSealer(sealer: Sealer | undefined, { typeName }: DescMessage): Sealer {
  if (sealer !== undefined) return sealer;
  throw new ProtosourceError(
    "not_configured",
    `${typeName} has personal fields, which are stored sealed: give the sealer that a keyring makes for the event`,
    { option: "sealer" },
  );
}
