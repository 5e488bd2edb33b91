/** Up to where a damaged stream is whole, and what lies behind. */
import type { ScannedRecord } from "protosource-es";
import { isAlive, type Problem, type ProblemKind } from "./stream-problems.js";

/** What a repair takes away. */
export interface RepairPlan {
  /** The last version up to which the stream is whole; the one before its first record when none is. */
  readonly wholeTo: bigint;
  /** How many records are stored up to there. */
  readonly kept: number;
  /** The first version that isn't. */
  readonly cut: bigint;
  /** All that is stored from there on, as the scan found it. */
  readonly behind: readonly ScannedRecord[];
}

/** What keeps programs from loading a stream. Nothing else is reason enough to take events away. */
const MENDED: ReadonlySet<ProblemKind> = new Set<ProblemKind>(["unreadable", "gap", "overlap", "torn", "undecodable"]);

/**
 * Plans the repair of a stream of which a scan found these records, and a look these problems. A save that is there in
 * part isn't whole, and nor is one of which another save wrote a version again, since nothing tells which one is right.
 *
 * Gives undefined when there is nothing to take away.
 */
export function planRepair(found: readonly ScannedRecord[], problems: readonly Problem[]): RepairPlan | undefined {
  const mended = problems.filter(isMended);
  if (mended.length === 0) return undefined;
  const broken = new Set(mended.filter(({ kind }) => kind === "undecodable").map(({ version }) => version));
  const unreadable = mended.flatMap(({ kind, version }) => (kind === "unreadable" ? [version ?? 1n] : []));
  const saves = savesOf(found);
  const lowest = lowestBehind(saves);
  let wholeTo: bigint | undefined;
  let expected: bigint | undefined;
  for (const [i, save] of saves.entries()) {
    const alive = save.filter(isAlive);
    const first = alive[0]?.record.version;
    const last = save.at(-1);
    const end = last?.record.version ?? 0n;
    const behindIt = lowest[i];
    const isWhole =
      last?.following === 0 &&
      (first === undefined || expected === undefined || first === expected) &&
      !alive.some(({ record }) => broken.has(record.version)) &&
      unreadable.every((version) => version > end) &&
      (behindIt === undefined || behindIt > end);
    if (!isWhole) {
      wholeTo ??= (save[0]?.record.version ?? 1n) - 1n;
      const behind = saves.slice(i).flat();
      return { wholeTo, kept: found.length - behind.length, cut: wholeTo + 1n, behind };
    }
    wholeTo = end;
    if (first !== undefined) expected = end + 1n;
  }
  if (unreadable.length === 0) return undefined;
  wholeTo ??= unreadable.reduce((lowest, version) => (version < lowest ? version : lowest)) - 1n;
  return { wholeTo, kept: found.length, cut: wholeTo + 1n, behind: [] };
}

/** Tells whether taking the end of the stream away mends a problem. */
export function isMended({ kind }: Problem): boolean {
  return MENDED.has(kind);
}

/** Gives for each save the lowest version of those behind it; undefined for the last. */
function lowestBehind(saves: readonly (readonly ScannedRecord[])[]): readonly (bigint | undefined)[] {
  const lowest: (bigint | undefined)[] = [];
  let before: bigint | undefined;
  for (let i = saves.length - 1; i >= 0; i--) {
    lowest[i] = before;
    const first = saves[i]?.[0]?.record.version;
    if (first !== undefined && (before === undefined || first < before)) before = first;
  }
  return lowest;
}

/** Groups records that were stored at once: each says how many of them follow. */
function savesOf(found: readonly ScannedRecord[]): readonly (readonly ScannedRecord[])[] {
  const saves: ScannedRecord[][] = [];
  for (const scanned of found) {
    const save = saves.at(-1);
    const last = save?.at(-1);
    const goesOn = last?.following === scanned.following + 1 && last.record.version + 1n === scanned.record.version;
    if (save && goesOn) save.push(scanned);
    else saves.push([scanned]);
  }
  return saves;
}
