/** Step 2: whether the aggregate must exist for the command, or must not. */
import type { CommandBehaviour } from "../aggregate/behaviour.js";
import { ProtosourceError } from "../errors.js";

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
