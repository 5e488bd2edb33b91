/** Beside step 7: how a command is known again by its `commandId`. */
import { emptyAggregate } from "../aggregate/aggregate.js";
import { epochSeconds } from "../clock.js";
import { ProtosourceError } from "../errors.js";
import { equalBytes } from "../opaquedata/equal-bytes.js";
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

/** What a command is known by. */
export interface CommandName {
  readonly commandId: string;
  /** Tells it from another command under the same id; undefined where nothing may. */
  readonly hash: Uint8Array | undefined;
}

/** Gives the claim by which a command is known again. */
export function commandClaim(setup: Setup, id: string, { commandId, hash }: CommandName, version: bigint): Claim {
  const { commandIdSeconds = DEFAULT_COMMAND_ID_SECONDS } = setup.options;
  const ttl = epochSeconds(setup.clock) + BigInt(commandIdSeconds);
  const owner = streamIdOf(setup, id);
  return { scope: commandScope(setup), value: commandId, owner, version, ttl, purpose: hash, once: true };
}

/**
 * Finds what came of an earlier command of an id. A command that is meant for this one must not get lost: throws
 * `claim_taken` when the earlier was of another aggregate than `id`, and `command_id_reused` when it was another command.
 */
export async function findRepeated(
  setup: Setup,
  { commandId, hash }: CommandName,
  id: string | undefined,
  call: Call,
): Promise<AnyApplied | undefined> {
  const scope = commandScope(setup);
  const claim = await setup.store.findClaim?.(scope, commandId, { signal: call.signal });
  if (claim === undefined) return undefined;
  if (id !== undefined && claim.owner !== streamIdOf(setup, id)) throw claimTaken(scope, claim.owner);
  if (claim.purpose !== undefined && hash !== undefined && !equalBytes(claim.purpose, hash)) {
    throw new ProtosourceError(
      "command_id_reused",
      "the commandId was used for another command, which was carried out: give each command its own",
      { aggregateId: claim.owner, commandId },
    );
  }
  const ownId = claim.owner.slice(setup.behaviour.streamPrefix.length);
  return { ...(await untouched(setup, ownId, call)), version: claim.version };
}

/** Tells of an aggregate that a repeated command leaves as it is now. */
export async function untouched(setup: Setup, id: string, call: Call): Promise<AnyApplied> {
  const { aggregate = emptyAggregate(setup.definition) } = await readState(setup, id, call);
  return { id, version: aggregate.version, events: [], aggregate, skipped: true, repeated: true };
}
