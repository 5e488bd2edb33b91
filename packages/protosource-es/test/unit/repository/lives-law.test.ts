/** The law of lives: whatever expires, is deleted and is created anew, an order is whole, of one life, or gone. */
import fc from "fast-check";
import { isProtosourceError, Repository } from "protosource-es";
import { MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { FakeClock } from "protosource-es/testing";
import { expect, test } from "vitest";
import {
  defineOrder,
  type OrderAggregate,
  type OrderTypes,
  orderCommands,
} from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { redefined, setRole } from "../../redefine.js";

const STREAM = "example_app_order_v1#o";

/** A command of a writer who knows one time to live. What is `meanwhile` happens between its load and its save. */
interface Command {
  readonly kind: "create" | "add";
  readonly writer: number;
  readonly ttlSeconds: bigint;
  readonly meanwhile: readonly Step[];
}

type Step =
  | Command
  | { readonly kind: "advance"; readonly seconds: number }
  /** Deletes records that have expired by every clock: those of which the bit of their version, modulo 8, is set. */
  | { readonly kind: "sweep"; readonly mask: number };

/** How far the clocks of the writers are apart, in seconds. */
const SKEWS = [0, 2, -2];

const { steps } = fc.letrec<{ steps: Step[] }>((tie) => ({
  steps: fc.array(
    fc.oneof(
      { weight: 4, arbitrary: commandOf(fc.constant("create"), tie("steps")) },
      { weight: 5, arbitrary: commandOf(fc.constant("add"), tie("steps")) },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant("advance" as const), seconds: fc.integer({ min: 1, max: 30 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant("sweep" as const), mask: fc.integer({ min: 1, max: 255 }) }),
      },
    ),
    { maxLength: 14, depthIdentifier: "steps" },
  ),
}));

function commandOf(
  kind: fc.Arbitrary<Command["kind"]>,
  meanwhile: fc.Arbitrary<readonly Step[]>,
): fc.Arbitrary<Command> {
  return fc.record({
    kind,
    writer: fc.nat({ max: SKEWS.length - 1 }),
    ttlSeconds: fc.constantFrom(20n, 20n, 60n, 0n),
    meanwhile: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: meanwhile }),
  });
}

/** What was acknowledged in one life: its items, and when each record of it expires. */
interface Life {
  readonly items: Set<string>;
  readonly expiries: bigint[];
}

class World {
  readonly lives: Map<string, Life> = new Map();
  readonly #streams: MemoryStreams = new Map();
  readonly #clocks = SKEWS.map((skew) => new FakeClock(1_800_000_000_000_000n + BigInt(skew) * 1_000_000n));
  readonly #snapshots: number;
  #names = 0;

  constructor(snapshots: number) {
    this.#snapshots = snapshots;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === "advance") for (const clock of this.#clocks) clock.advanceSeconds(step.seconds);
      else if (step.kind === "sweep") this.#sweep(step.mask);
      else await this.#command(step);
      await this.check();
    }
  }

  /** Whoever reads sees an order whole and of one life; and sees it as long as none of its records has expired. */
  async check(): Promise<void> {
    for (const writer of SKEWS.keys()) {
      const orders = this.#open(writer, 20n, []);
      const order = await orders.load("o").catch((error: unknown) => {
        if (isProtosourceError(error, "not_found")) return undefined;
        throw error;
      });
      const history = await orders.history("o");
      if (order === undefined) expect(history).toEqual([]);
      else expect(new Set(Object.keys(order.items))).toEqual(this.lives.get(order.customerId)?.items);
      const now = (this.#clocks[1] as FakeClock).now() / 1_000_000n;
      for (const [name, { expiries }] of this.lives) {
        if (expiries.every((expiry) => expiry === 0n || expiry > now)) expect(order?.customerId).toBe(name);
      }
    }
  }

  async #command({ kind, writer, ttlSeconds, meanwhile }: Command): Promise<void> {
    const name = `${this.#names++}`;
    const command =
      kind === "create"
        ? orderCommands.Create({ customerId: name })
        : orderCommands.AddItem({ item: { itemId: name, quantity: 1 } });
    const orders = this.#open(writer, ttlSeconds, meanwhile);
    try {
      const { aggregate, version, events } = await orders.apply(command, { id: "o", actor: "ann" });
      if (kind === "create") this.lives.set(name, { items: new Set(), expiries: [] });
      const life = this.lives.get(aggregate.customerId);
      if (kind === "add") life?.items.add(name);
      const stored = this.#streams.get(STREAM);
      for (let v = events[0]?.version ?? version; v <= version; v++) {
        life?.expiries.push(stored?.get(v)?.record.ttl ?? -1n);
      }
    } catch (error) {
      const isRefusal = ["already_created", "not_created"].some((code) => isProtosourceError(error, code as never));
      if (!isRefusal) throw error;
    }
  }

  #sweep(mask: number): void {
    const now = this.#clocks.map((clock) => clock.now() / 1_000_000n).reduce((a, b) => (a < b ? a : b));
    const stream = this.#streams.get(STREAM) ?? new Map();
    for (const [version, { record }] of stream) {
      const isChosen = (mask >> Number(version % 8n)) % 2 === 1;
      if (isChosen && record.ttl > 0n && record.ttl <= now) stream.delete(version);
    }
  }

  #open(writer: number, ttlSeconds: bigint, meanwhile: readonly Step[]): Repository<OrderTypes> {
    const clock = this.#clocks[writer] as FakeClock;
    const store = new MemoryStore({ clock, streams: this.#streams });
    let left = meanwhile;
    const save = store.save.bind(store);
    store.save = async (...args) => {
      const steps = left;
      left = [];
      await this.run(steps);
      return save(...args);
    };
    return new Repository(ordersOf(ttlSeconds, this.#snapshots), store, { clock, materialize: "off" });
  }
}

const definitions = new Map<string, OrderAggregate>();

/** Orders whose events live so many seconds, with a snapshot every so many events; 0 for none, and for ever. */
function ordersOf(ttlSeconds: bigint, snapshots: number): OrderAggregate {
  const key = `${ttlSeconds} ${snapshots}`;
  const known = definitions.get(key);
  if (known !== undefined) return known;
  const made = redefined(defineOrder(), (proto) => {
    setRole(proto, "Order", "aggregate", { eventTtlSeconds: ttlSeconds });
    setRole(proto, "Snapshot", "snapshot", { everyNEvents: snapshots, disabled: snapshots === 0 });
  });
  definitions.set(key, made);
  return made;
}

/** A creation on nothing that is saved when another life has come and gone, and a third one has begun. */
const overtaken: Step[] = [
  {
    kind: "create",
    writer: 0,
    ttlSeconds: 0n,
    meanwhile: [
      { kind: "create", writer: 0, ttlSeconds: 20n, meanwhile: [] },
      { kind: "advance", seconds: 20 },
      { kind: "create", writer: 0, ttlSeconds: 20n, meanwhile: [] },
      { kind: "sweep", mask: 2 },
    ],
  },
];

/** An addition that is saved when the one that took its version has been carried on, has expired and is deleted. */
const intoGap: Step[] = [
  { kind: "create", writer: 0, ttlSeconds: 20n, meanwhile: [] },
  {
    kind: "add",
    writer: 0,
    ttlSeconds: 20n,
    meanwhile: [
      { kind: "add", writer: 0, ttlSeconds: 0n, meanwhile: [] },
      { kind: "advance", seconds: 22 },
      { kind: "sweep", mask: 4 },
    ],
  },
];

test.each([0, 1, 3, 50])("holds with a snapshot every %s events", async (snapshots) => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      await new World(snapshots).run(plan);
    }),
    { numRuns: 100, examples: [[overtaken], [intoGap]] },
  );
});
