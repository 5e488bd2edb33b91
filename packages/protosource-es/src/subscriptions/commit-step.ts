/** A run and its effect, written in one transaction with the position. */
import type { PositionMove } from "../store/positions.js";
import type { Engine } from "./engine.js";
import type { EventRun, Reached, Subscription } from "./subscription.js";

/** A run that is to be handled, and the move of the position that goes with its effect. */
export interface Step {
  readonly run: EventRun;
  readonly moveTo: (reached: Reached) => PositionMove;
}

/** What was written of a step: the move, and the last version whose effect it was. */
export interface Committed {
  readonly move: PositionMove;
  readonly to: bigint;
}

/** Has a step handled and written. Throws what the subscription throws, and what the store does. */
export type Commit = (step: Step) => Promise<Committed>;

/** Handles a step and writes it, in a transaction of its own. */
export async function commitAlone(
  { store, opaqueStore, keyring, clock, signal }: Engine,
  subscription: Subscription,
  { run, moveTo }: Step,
): Promise<Committed> {
  const tools = { store, opaqueStore, keyring, clock, signal };
  const effect = isIdle(run) ? { memo: run.memo } : await subscription.react(run, tools);
  const { writes = [], rows, claims, check, to = run.to, memo = new Uint8Array(), kept = run.kept } = effect;
  const move = moveTo({ to, memo, kept });
  await store.saveAll(writes, { rows, claims, check, positions: [move], signal });
  return { move, to };
}

/** Tells whether there is nothing to be done in a run. */
export function isIdle({ ended, events, source }: EventRun): boolean {
  return ended ? !source.handlesRemoval : events.length === 0;
}
