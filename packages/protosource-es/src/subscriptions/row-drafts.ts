/** The rows that a run of events changes: read when they are first asked for, written with the position. */
import { create, type DescMessage, equals, type Message } from "@bufbuild/protobuf";
import { ProtosourceError } from "../errors.js";
import { keyOf, keyParts, type RowId } from "../opaquedata/key-fields.js";
import type { KeyModel } from "../opaquedata/key-model.js";
import { emptyRow, opaqueDataFromMessage } from "../opaquedata/opaque-data.js";
import type { OpaqueKey, OpaqueRow } from "../opaquedata/opaque-store.js";
import { type ReadRows, rowReader } from "../opaquedata/row-reader.js";
import type { TypedMessage } from "../personal/keyring.js";
import { personalPlan } from "../personal/personal-plan.js";
import { sealedRow } from "../personal/sealed-row.js";
import type { RowWrite } from "../store/store.js";
import { toStoredKey, toStoredRow } from "./model-rows.js";
import type { ReactTools } from "./subscription.js";

/** How many rows and positions one transaction takes. */
const MAX_EFFECT_ITEMS = 99;

/** A row as it was read, and as the events leave it. */
interface Draft {
  readonly key: OpaqueKey;
  /** The message with nothing but its key. */
  readonly blank: Message;
  /** The version that was read; 0 for no row. */
  readonly was: bigint;
  readonly before: Message | undefined;
  after: Message | undefined;
}

/** What a handler does to one row: changes it in place, or removes it for undefined. */
export interface RowChange {
  readonly id: RowId;
  readonly change: ((row: never) => void) | undefined;
}

/** Where rows are, and what seals their personal fields. */
interface DraftTools extends Pick<ReactTools, "keyring" | "signal"> {
  /** Reads a row, by the key that the table has of it. */
  readonly readRow: (key: OpaqueKey) => Promise<OpaqueRow | undefined>;
}

/** The rows of a read model that runs change: events of several streams at once may, each row has one draft. */
export class RowDrafts {
  readonly #model: KeyModel;
  readonly #prefix: string;
  readonly #maxRows: number;
  readonly #tools: DraftTools;
  readonly #readRows: ReadRows<DescMessage>;
  readonly #drafts = new Map<string, Promise<Draft>>();

  /**
   * Makes room for the rows that one transaction holds beside the positions of so many streams. Throws `not_configured`
   * without a keyring where the rows have personal fields.
   */
  constructor(model: KeyModel, prefix: string, streams: number, tools: DraftTools) {
    this.#model = model;
    this.#prefix = prefix;
    this.#maxRows = MAX_EFFECT_ITEMS - streams;
    this.#tools = tools;
    this.#readRows = rowReader(model.schema, tools.keyring);
  }

  /**
   * Makes the changes of one event, all or none of them. False, and nothing is done, when one transaction would not hold
   * the rows of it beside those before.
   *
   * Throws `too_large` when the rows of this event alone are too many.
   */
  async apply(changes: readonly RowChange[]): Promise<boolean> {
    const named = changes.map(({ id, change }) => {
      const { key, values } = keyOf(this.#model, id);
      return { key, values, change, name: JSON.stringify([key.pk, key.sk]) };
    });
    const added = new Map(named.filter(({ name }) => !this.#drafts.has(name)).map((one) => [one.name, one]));
    if (added.size + this.#drafts.size > this.#maxRows) {
      if (this.#drafts.size > 0) return false;
      throw new ProtosourceError(
        "too_large",
        `one event changes ${added.size} rows, and one transaction holds ${this.#maxRows}: choose rows that an event changes few of`,
        { what: "rows", size: added.size, limit: this.#maxRows },
      );
    }
    for (const [name, { key, values }] of added) this.#drafts.set(name, this.#read(key, values));
    const drafts = await Promise.all(named.map(({ name }) => this.#drafts.get(name) as Promise<Draft>));
    for (const [i, draft] of drafts.entries()) {
      const change = named[i]?.change;
      draft.after = change && changed(draft, change);
    }
    return true;
  }

  /** Gives the writes of the rows that are other than they were. */
  async writes(): Promise<RowWrite[]> {
    const { schema } = this.#model;
    const drafts = (await Promise.all(this.#drafts.values())).filter(
      ({ before, after }) => !(before && after ? equals(schema, before, after) : before === after),
    );
    const rows = drafts.flatMap(({ after }): TypedMessage[] => (after === undefined ? [] : [[schema, after]]));
    const sealer = personalPlan(schema) && (await this.#tools.keyring?.sealer(rows, this.#tools));
    return drafts.map(({ key, was, after }): RowWrite => {
      if (after === undefined) {
        const stored = toStoredKey(this.#prefix, key);
        return { row: { ...emptyRow(), ...stored }, was, remove: true };
      }
      const { message, body } = sealer ? sealedRow(sealer, schema, after) : { message: after, body: undefined };
      const row = opaqueDataFromMessage(schema, message, { version: newRevision(was), body });
      if (row.pk !== key.pk || row.sk !== key.sk) throw changedKey(schema, key);
      return { row: toStoredRow(this.#prefix, row), was };
    });
  }

  async #read(key: OpaqueKey, values: readonly unknown[]): Promise<Draft> {
    const { schema } = this.#model;
    const fields = keyParts(this.#model).map(({ field }, i) => [field.localName, values[i]]);
    const blank = create(schema, Object.fromEntries(fields));
    const { readRow, signal } = this.#tools;
    const stored = await readRow(toStoredKey(this.#prefix, key));
    if (stored === undefined) return { key, blank, was: 0n, before: undefined, after: undefined };
    const row = { ...stored, ...key };
    const [before, after] = await this.#readRows([row, row], { signal });
    return { key, blank, was: stored.version, before, after };
  }
}

function changed({ blank, after }: Draft, change: (row: never) => void): Message {
  const row = after ?? structuredClone(blank);
  change(row as never);
  return row;
}

/**
 * Gives a version that the row has never had. Counted ones would do until a row is removed and made anew: then a worker
 * that had read the old one couldn't tell.
 */
export function newRevision(was: bigint): bigint {
  const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  const revision = (random >> 1n) | 1n;
  return revision === was ? revision ^ 2n : revision;
}

function changedKey({ typeName }: DescMessage, { pk, sk }: OpaqueKey): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError(
    "invalid_argument",
    `a handler changed the key of the row of ${typeName} pk=${JSON.stringify(pk)}, sk=${JSON.stringify(sk)}: remove the row, and write the other one`,
    { argument: "row" },
  );
}
