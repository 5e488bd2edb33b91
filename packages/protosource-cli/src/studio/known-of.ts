import { usageError } from "../failure.js";
import { aggregateOf, type KnownAggregate, type Schemas } from "../schemas.js";

/** Finds the aggregate of a stream. Throws `invalid_argument` where nothing is known of it. */
export function knownOf(schemas: Schemas, id: string): KnownAggregate {
  const known = aggregateOf(schemas, id);
  if (known) return known;
  throw usageError(
    "id",
    schemas.aggregates.length === 0
      ? "what the events mean isn't known: start the studio with --descriptors image.binpb, or --domain"
      : `no aggregate in the descriptors has streams like ${id}: add those of its package`,
  );
}
