/** Step 2: whether the aggregate must exist for the command, or must not. */
import type { CommandBehaviour } from "../aggregate/behaviour.js";
import { ProtosourceError } from "../errors.js";
import type { StoredRecord } from "../store/store.js";
import { isTombstone } from "../store/tombstone.js";

/**
 * Checks the lifecycle of a command. `version` is that of the aggregate, 0 when there is none.
 *
 * Throws `already_created` and `not_created`.
 */
export function checkLifecycle({ schema, lifecycle }: CommandBehaviour, aggregateId: string, version: bigint): void {
  if (lifecycle === "creation" && version > 0n) {
    throw new ProtosourceError(
      "already_created",
      `${schema.name} creates ${aggregateId}, which exists at version ${version}: choose another id`,
      { aggregateId, version },
    );
  }
  if (lifecycle === "mutation" && version === 0n) {
    throw new ProtosourceError(
      "not_created",
      `${schema.name} changes ${aggregateId}, which doesn't exist: create it first`,
      { aggregateId },
    );
  }
}

/**
 * Checks that the id of an aggregate that a command creates, or events are appended to, isn't that of one that was
 * deleted. `last` is the last record of its stream. Throws `already_created`.
 */
export function checkNotDeleted(aggregateId: string, last: StoredRecord | undefined): void {
  if (last === undefined || !isTombstone(last)) return;
  throw new ProtosourceError(
    "already_created",
    `${aggregateId} was deleted, and its id isn't used again: choose another id`,
    { aggregateId, version: last.version, deleted: true },
  );
}
