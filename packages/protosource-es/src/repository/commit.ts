/** Steps 7 to 9: what was decided is stored, and the rows follow. */
import { isProtosourceError, type ProtosourceError } from "../errors.js";
import { checkRows, materialize, rowWrites } from "../read-models/materialize.js";
import type { AggregateStore, Claim, RowWrite, StoredRecord, StreamCheck, StreamWrite } from "../store/store.js";
import type { Change } from "./change.js";
import { claimChanges, uniqueValues } from "./claims.js";
import { type CommandName, commandClaim, commandScope } from "./command-id.js";
import { watchedRecord } from "./lifetime.js";
import type { Call, OperationFacts } from "./observed-operation.js";
import type { RepositoryOptions, RepositoryStore } from "./repository-options.js";
import { explainTooLarge, saveCommand } from "./save.js";
import { type Setup, streamIdOf } from "./setup.js";

/**
 * Saves what commands come to, all of it or nothing, and then writes the rows. A conflict is an outcome here, which the
 * caller decides about.
 */
export async function commit(
  changes: readonly [Change, ...Change[]],
  name: CommandName | undefined,
  { signal, facts }: Call,
): Promise<ProtosourceError | undefined> {
  const [{ setup, id, aggregate }] = changes;
  const made = changes.filter(({ skipped }) => !skipped);
  const { writes, claims, ...others } = planOf(changes, ({ materialize }) => materialize === "transactional");
  if (name !== undefined) claims.push(commandClaim(setup, id, name, aggregate.version));
  const { splitSaves = false } = setup.options;
  for (const change of made) checkFollowUp(change);
  try {
    await saveCommand(setup.store, writes, { ...others, claims, splitSaves, signal });
  } catch (error) {
    const isRepeated = isProtosourceError(error, "claim_taken") && error.details.scope === commandScope(setup);
    if (!isRepeated && !isProtosourceError(error, "version_conflict")) {
      throw made.reduce<unknown>(
        (reason, change, i) => explainTooLarge(reason, change.setup.behaviour, change.stored, writes[i] as StreamWrite),
        error,
      );
    }
    facts.conflicts++;
    return error;
  }
  await Promise.all(made.map((change) => followUp(change, facts)));
  return undefined;
}

/** What commands come to, as a transaction writes it. */
export interface Plan {
  readonly writes: readonly StreamWrite[];
  readonly rows: readonly RowWrite[];
  readonly claims: Claim[];
  readonly check: readonly StreamCheck[];
}

/** Gives what a transaction writes for changes, with the rows of those of which they belong to it. */
export function planOf(changes: readonly Change[], hasRows: (options: RepositoryOptions) => boolean): Plan {
  const made = changes.filter(({ skipped }) => !skipped);
  return {
    writes: made.map((change) => ({
      aggregateId: streamIdOf(change.setup, change.id),
      records: withMeta(change),
      after: watchedRecord(change.setup, change.loaded),
    })),
    rows: made
      .filter(({ setup }) => hasRows(setup.options))
      .flatMap(({ setup, aggregate, records, sealer }) =>
        rowWrites(setup.behaviour, aggregate, expiryOf(records), {
          ...setup.format,
          omitLongKeys: omitsLongKeys(setup),
          sealer,
        }),
      ),
    claims: made.flatMap((change) => claimsOf(change.setup, change.id, change)),
    check: made.length === 0 ? [] : checksOf(changes),
  };
}

/** Keeps a meta with each event of a save: whoever handles one of them need not look for the first. */
function withMeta({ setup, stored, records, meta }: Change): readonly StoredRecord[] {
  if (meta === undefined) return records;
  const snapshot = setup.behaviour.snapshot?.schema.typeName;
  for (const [i, record] of records.entries()) if (stored[i]?.$typeName !== snapshot) record.meta = meta;
  return records;
}

/** Gives what a change of an aggregate takes and frees. */
export function claimsOf(
  setup: Setup,
  id: string,
  { taken, aggregate, loaded, records }: Pick<Change, "taken" | "aggregate" | "loaded" | "records">,
): Claim[] {
  const values = uniqueValues(setup.definition, aggregate, setup.format.keyring);
  return claimChanges(taken, values, streamIdOf(setup, id), { before: loaded.last?.ttl, ttl: expiryOf(records) });
}

/** When the last of some records expires, and so what belongs to their aggregate; 0 for never. */
function expiryOf(records: readonly StoredRecord[]): bigint {
  return records.at(-1)?.ttl ?? 0n;
}

/** Sees that the rows can be written which follow the events. A transaction with rows is checked by the store itself. */
function checkFollowUp({ setup, aggregate, sealer }: Change): void {
  const { store, behaviour } = setup;
  if (!isBestEffort(setup) || !keepsRows(store) || store.maxRowBytes === undefined) return;
  checkRows(behaviour, aggregate, store.maxRowBytes, { omitLongKeys: omitsLongKeys(setup), sealer });
}

/** Writes the rows of an aggregate after its events, unless they were written with them or are off. */
async function followUp(change: Change, facts: OperationFacts): Promise<void> {
  if (isBestEffort(change.setup)) await writeRows(change.setup, change, facts);
}

/** Writes the rows of an aggregate, where the store keeps any. A failure is logged, and counted. */
export async function writeRows(
  setup: Setup,
  { aggregate, records, sealer }: Pick<Change, "aggregate" | "records" | "sealer">,
  facts: OperationFacts,
): Promise<void> {
  const { store, behaviour, logger } = setup;
  if (!keepsRows(store)) return;
  const options = { logger, omitLongKeys: omitsLongKeys(setup), sealer };
  facts.rowsFailed += await materialize(behaviour, aggregate, expiryOf(records), store, options);
}

function isBestEffort({ options }: Setup): boolean {
  return (options.materialize ?? "best-effort") === "best-effort";
}

function omitsLongKeys({ options }: Setup): boolean {
  return options.longIndexKeys === "omit";
}

/** An aggregate that a decision left as it is must still be so when the others change. */
function checksOf(changes: readonly Change[]): readonly StreamCheck[] {
  return changes
    .filter(({ skipped }) => skipped)
    .map(({ setup, id, loaded }) => ({ aggregateId: streamIdOf(setup, id), version: loaded.version }));
}

function keepsRows(store: RepositoryStore): store is RepositoryStore & AggregateStore {
  return store.saveAggregate !== undefined;
}
