/** What the answer of a process comes to: the writes of its commands and timers, decided and not yet saved. */
import { isProtosourceError, ProtosourceError } from "../errors.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import type { Plan } from "../repository/commit.js";
import type { Repository } from "../repository/repository.js";
import { claimTaken } from "../store/claims.js";
import type { SaveMeta } from "../store/meta.js";
import type { RowWrite } from "../store/store.js";
import type { Process } from "./define-process.js";
import { isForAll } from "./failures.js";
import { followUpMeta } from "./follow-up-meta.js";
import { type ProcessAnswer, type ProcessStep, type Sending, stepsOf } from "./send.js";
import type { Effect, ReactTools } from "./subscription.js";
import { type Timer, timerRemoval, timerWrite } from "./timer-rows.js";

/** The event, or the timer, that a process answers. */
export interface Cause {
  /** The process and its version. */
  readonly subscription: string;
  readonly streamId: string;
  readonly version: bigint;
  /** When it happened, in microseconds since the Unix epoch. */
  readonly at: bigint;
  /** What was kept with the save of the event. */
  readonly meta: SaveMeta | undefined;
  /** The timer that went off and when, if it was one. */
  readonly timer?: string | undefined;
}

/**
 * Decides the commands of an answer, and gives what a transaction has to write for them and for its timers. Commands to
 * other stores are carried out.
 *
 * Throws what a command is refused with, unless the answer says what that means, and what loads throw.
 */
export async function effectOf(
  process: Process,
  answer: ProcessAnswer,
  cause: Cause,
  tools: ReactTools,
): Promise<Pick<Effect, "writes" | "rows" | "claims" | "check">> {
  const steps = stepsOf(answer);
  const plans: Plan[] = [];
  for (const [i, sending] of together(steps.filter((step) => step.step === "send")).entries()) {
    plans.push(...(await planSending(process, sending, { ...cause, index: i }, tools)));
  }
  const timers = await timerRows(process, steps, cause, tools);
  return {
    writes: plans.flatMap(({ writes }) => writes),
    rows: [...plans.flatMap(({ rows }) => rows), ...timers],
    claims: plans.flatMap(({ claims }) => claims),
    check: plans.flatMap(({ check }) => check),
  };
}

/** Brings the commands to one aggregate together: they are decided one on the other. */
function together(sendings: readonly Sending[]): readonly Sending[] {
  const merged: Sending[] = [];
  for (const sending of sendings) {
    const id = idOf(sending);
    const i = merged.findIndex((other) => id !== "" && other.repository === sending.repository && idOf(other) === id);
    const other = merged[i];
    if (other === undefined) merged.push(sending);
    else merged[i] = { ...other, command: [other.command, sending.command].flat() };
  }
  return merged;
}

function idOf({ id, command }: Sending): string {
  const [first] = [command].flat() as readonly { readonly id?: string }[];
  return id ?? first?.id ?? "";
}

async function planSending(
  process: Process,
  sending: Sending,
  cause: Cause & { readonly index: number },
  tools: ReactTools,
): Promise<readonly Plan[]> {
  try {
    return [await carryOut(process, sending, cause, tools)];
  } catch (error) {
    const { refused } = sending;
    if (isForAll(error) || isProtosourceError(error, "version_conflict") || refused === "park") throw error;
    if (refused === "done") return [];
    const instead = stepsOf(refused(error)).filter((step) => step.step === "send");
    const plans: Plan[] = [];
    for (const [i, one] of together(instead).entries()) {
      const index = (cause.index + 1) * 1000 + i;
      plans.push(...(await planSending(process, { ...one, refused: "park" }, { ...cause, index }, tools)));
    }
    return plans;
  }
}

const NOTHING: Plan = { writes: [], rows: [], claims: [], check: [] };

/** Plans commands to the store of the event. Others are sent, with an id by which they are known again. */
async function carryOut(
  { actor }: Process,
  sending: Sending,
  { subscription, streamId, version, timer, index, meta: causeMeta }: Cause & { readonly index: number },
  { store, signal }: ReactTools,
): Promise<Plan> {
  const repository = sending.repository as Repository<never>;
  const meta = followUpMeta({ streamId, version }, causeMeta);
  if (repository.store !== store) {
    const commandId = `${subscription}/${streamId}@${version}${timer === undefined ? "" : `!${timer}`}#${index}`;
    await repository.applyAll([sending], { actor, meta, commandId, signal });
    return NOTHING;
  }
  const plan = await repository.plan([sending], { actor, meta, signal });
  for (const { scope, value, owner, release } of plan.claims) {
    if (release) continue;
    const held = await repository.store.findClaim?.(scope, value, { signal });
    // The transaction would only say that the whole of it can't be done.
    if (held !== undefined && held.owner !== owner) throw claimTaken(scope, held.owner);
  }
  return plan;
}

async function timerRows(
  process: Process,
  steps: readonly ProcessStep[],
  { subscription, streamId, version, at, meta }: Cause,
  { opaqueStore, signal }: ReactTools,
): Promise<readonly RowWrite[]> {
  // The last word on a timer counts.
  const last = new Map(steps.flatMap((step) => (step.step === "send" ? [] : [[step.timer, step] as const])));
  const writes: RowWrite[] = [];
  for (const [name, step] of last) {
    const rows = requireRows(opaqueStore, subscription);
    if (!process.timers.has(name)) {
      throw new ProtosourceError("invalid_argument", `${subscription} has no timer ${name}: define it in timers`, {
        argument: "timer",
      });
    }
    const timer = { subscription, streamId, name };
    const write =
      step.step === "after"
        ? await timerWrite(rows, { ...timer, version, meta, ...dueAt(at + step.delay) }, signal)
        : await timerRemoval(rows, timer, signal);
    if (write !== undefined) writes.push(write);
  }
  return writes;
}

function dueAt(due: bigint): Pick<Timer, "due" | "next" | "tries"> {
  return { due, next: due, tries: 0 };
}

function requireRows(opaqueStore: OpaqueStore | undefined, subscription: string): OpaqueStore {
  if (opaqueStore !== undefined) return opaqueStore;
  throw new ProtosourceError(
    "not_configured",
    `the timers of ${subscription} are kept as rows: make the store with an OpaqueStore, and give it here`,
    { option: "opaqueStore" },
  );
}
