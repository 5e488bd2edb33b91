import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { AggregateMessage } from "../aggregate/behaviour.js";
import type { AggregateTypes } from "../aggregate/types.js";
import { ProtosourceError } from "../errors.js";
import type { Repository } from "../repository/repository.js";
import type { Call, CallContext } from "./calls.js";

/** A request for one aggregate, or for its row. */
export interface IdRequest extends Message {
  readonly id: string;
  readonly minVersion: bigint;
}

/** Makes the call that computes an aggregate from its events. */
export function loadAggregate(repository: Repository<AggregateTypes>): Call["run"] {
  return async (request, context) => {
    const { id, minVersion } = request as IdRequest;
    const message = await loadVisible(repository, id, context);
    checkMinVersion(message, minVersion);
    return { message, version: message.version };
  };
}

/**
 * Loads an aggregate that the caller may see. Throws `not_found` for one that he may not, so that he doesn't learn of it.
 */
export async function loadVisible(
  repository: Repository<AggregateTypes>,
  id: string,
  { sees, signal }: CallContext,
): Promise<AggregateMessage> {
  const message = (await repository.load(id, { signal })) as AggregateMessage;
  if (sees?.(message) === false) throw notFound(repository.aggregate.schema as DescMessage, id);
  return message;
}

/** Checks that an aggregate, as its events make it, has reached a version. Throws `version_conflict`. */
export function checkMinVersion({ id, version }: AggregateMessage, minVersion: bigint): void {
  if (version >= minVersion) return;
  throw new ProtosourceError(
    "version_conflict",
    `${id} is at version ${version}, and not yet at ${minVersion}: was that the version of another aggregate?`,
    { aggregateId: id, version },
  );
}

/** Makes the error of what isn't there, in the words of the repository. */
export function notFound({ typeName }: DescMessage, id: string): ProtosourceError<"not_found"> {
  return new ProtosourceError("not_found", `${typeName} ${id} isn't in the store: create it first`, {
    aggregateId: id,
    reason: "unknown",
  });
}
