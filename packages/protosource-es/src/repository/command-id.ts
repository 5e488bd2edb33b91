/** Beside step 7: how a command is known again by its `commandId`. */
import { emptyAggregate } from "../aggregate/aggregate.js";
import { epochSeconds } from "../clock.js";
import { claimTaken } from "../store/claims.js";
import type { Claim } from "../store/store.js";
import { readState } from "./load.js";
import type { Call } from "./observed-operation.js";
import type { AnyApplied } from "./repository-options.js";
import { type Setup, streamIdOf } from "./setup.js";

/** How long the id of a command is remembered by default: a day. */
const DEFAULT_COMMAND_ID_SECONDS = 86_400;

/** The scope of the ids of commands to one kind of aggregate. */
export function commandScope({ behaviour }: Setup): string {
  return `${behaviour.schema.typeName}#command`;
}

/** Gives the claim by which a command is known again. */
export function commandClaim(setup: Setup, id: string, commandId: string, version: bigint): Claim {
  const { commandIdSeconds = DEFAULT_COMMAND_ID_SECONDS } = setup.options;
  const ttl = epochSeconds(setup.clock) + BigInt(commandIdSeconds);
  return { scope: commandScope(setup), value: commandId, owner: streamIdOf(setup, id), version, ttl, once: true };
}

/**
 * Finds what came of an earlier command of an id. Throws `claim_taken` when that was of another aggregate than `id`: a
 * command that is meant for this one must not get lost.
 */
export async function findRepeated(
  setup: Setup,
  commandId: string,
  id: string | undefined,
  call: Call,
): Promise<AnyApplied | undefined> {
  const scope = commandScope(setup);
  const claim = await setup.store.findClaim?.(scope, commandId, { signal: call.signal });
  if (claim === undefined) return undefined;
  if (id !== undefined && claim.owner !== streamIdOf(setup, id)) throw claimTaken(scope, claim.owner);
  const ownId = claim.owner.slice(setup.behaviour.streamPrefix.length);
  return { ...(await untouched(setup, ownId, call)), version: claim.version };
}

/** Tells of an aggregate that a repeated command leaves as it is now. */
export async function untouched(setup: Setup, id: string, call: Call): Promise<AnyApplied> {
  const { aggregate = emptyAggregate(setup.definition) } = await readState(setup, id, call);
  return { id, version: aggregate.version, events: [], aggregate, skipped: true, repeated: true };
}
