/** What must be true of a store after a soak, whatever faults there were. */
import { equals } from "@bufbuild/protobuf";
import { fold, isProtosourceError, Repository } from "protosource-es";
import type { DynamoDBOpaqueStore, DynamoDBStore } from "protosource-es/dynamodb";
import { rehydrate } from "protosource-es/opaquedata";
import { OrderSchema } from "../gen/example/app/order/v1/order_v1_pb.js";
import { orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { order } from "../order.js";
import type { Begun, Entry } from "./journal.js";

/** What was found, in numbers, and each thing that is wrong in words. */
export interface Verdict {
  readonly streams: number;
  readonly events: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly lost: number;
  readonly doubled: number;
  readonly halves: number;
  readonly wrongReads: number;
  readonly wrongRows: number;
  readonly problems: readonly string[];
}

/** Where the events of a write lie in a stream: the version of each. */
type Places = Map<string, Map<string, number[]>>;

/** Reads every stream that the journals name, directly, and compares it with them. */
export async function verify(
  store: DynamoDBStore,
  opaqueStore: DynamoDBOpaqueStore,
  entries: readonly Entry[],
): Promise<Verdict> {
  const problems: string[] = [];
  let lost = 0;
  let doubled = 0;
  let halves = 0;
  let events = 0;
  const places: Places = new Map();
  const begun = entries.filter((entry) => entry.kind === "begun");
  const streams = [...new Set(begun.flatMap(({ events }) => Object.keys(events)))];

  for (const stream of streams) {
    try {
      const { records } = await store.load(stream);
      records.forEach(({ version }, i) => {
        if (version !== BigInt(i + 1)) problems.push(`${stream} holds version ${version} where ${i + 1} should be`);
      });
      const writes = stream.startsWith("soak")
        ? records.map(({ data }) => (JSON.parse(Buffer.from(data).toString()) as { write: string }).write)
        : await tagsOf(store, stream);
      events += records.length;
      writes.forEach((write, i) => {
        const inStreams = places.get(write) ?? new Map<string, number[]>();
        places.set(write, inStreams.set(stream, [...(inStreams.get(stream) ?? []), i + 1]));
      });
    } catch (error) {
      problems.push(`${stream} can't be read: ${String(error)}`);
    }
  }

  const outcomes = new Map(entries.flatMap((e) => (e.kind === "heard" ? [[e.write, e.outcome] as const] : [])));
  for (const one of begun) {
    const outcome = outcomes.get(one.write) ?? "unknown";
    const found = foundOf(one, places);
    if (found.most > 1) doubled++;
    if (outcome === "stored" && found.share < 1) lost++;
    if (outcome === "refused" && found.share > 0) halves++;
    // More than 100 events are several transactions, and each of them is whole.
    const isWhole = found.share === 0 || found.share === 1 || (found.count === 100 && found.expected > 100);
    if (!isWhole || !found.isTogether) halves++;
    if (found.most > 1 || !isWhole || !found.isTogether || (outcome === "stored") !== (found.share === 1)) {
      const isOpen = outcome === "unknown" && isWhole && found.isTogether && found.most <= 1;
      if (!isOpen) problems.push(`${one.write} was ${outcome}: ${JSON.stringify([...(places.get(one.write) ?? [])])}`);
    }
  }
  const known = new Set(begun.map(({ write }) => write));
  for (const write of places.keys()) {
    if (write !== "" && !known.has(write)) problems.push(`${write} is stored and was never sent`);
  }
  const wrongReads = entries.filter((entry) => entry.kind === "wrong");
  const rows = await wrongRows(store, opaqueStore, streams);
  return {
    streams: streams.length,
    events,
    acknowledged: [...outcomes.values()].filter((outcome) => outcome === "stored").length,
    unknown: begun.filter(({ write }) => (outcomes.get(write) ?? "unknown") === "unknown").length,
    lost,
    doubled,
    halves,
    wrongReads: wrongReads.length,
    wrongRows: rows.length,
    problems: [...problems, ...wrongReads.map(({ what }) => what), ...rows],
  };
}

/** How much of a write is stored: `share` from 0 to 1, and whether its events follow each other in each stream. */
function foundOf(
  { write, events }: Begun,
  places: Places,
): { share: number; count: number; expected: number; most: number; isTogether: boolean } {
  const found = places.get(write) ?? new Map<string, number[]>();
  let count = 0;
  let expected = 0;
  let most = 0;
  let isTogether = true;
  for (const [stream, number] of Object.entries(events)) {
    const versions = found.get(stream) ?? [];
    count += versions.length;
    expected += number;
    most = Math.max(most, versions.length / number);
    isTogether &&= versions.every((version, i) => version === (versions[0] as number) + i);
  }
  return { share: count / expected, count, expected, most, isTogether };
}

/** For each record of an order its tag's value, which is the name of the write; "" where it has none. */
async function tagsOf(store: DynamoDBStore, stream: string): Promise<string[]> {
  const id = stream.slice(stream.indexOf("#") + 1);
  const history = await new Repository(order, store).history(id);
  return history.map((event) => ("tag" in event ? (event.tag?.value ?? "") : ""));
}

/** Names the rows that aren't the fold of their events: those of transactions at once, others after one more command. */
async function wrongRows(
  store: DynamoDBStore,
  opaqueStore: DynamoDBOpaqueStore,
  streams: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  const repository = new Repository(order, store);
  for (const stream of streams.filter((name) => !name.startsWith("soak"))) {
    const id = stream.slice(stream.indexOf("#") + 1);
    if (!id.endsWith("0")) {
      const last = orderCommands.SetShipping({ shippingAddress: "healed" });
      try {
        await repository.apply(last, { id, actor: "soak" });
      } catch (error) {
        if (!isProtosourceError(error, "not_created")) throw error;
        continue;
      }
    }
    const row = await opaqueStore.get({ pk: `example_app_order_v1#order#id#${id}`, sk: "AGG" }, { consistent: true });
    const events = await repository.history(id);
    if (events.length === 0) continue;
    const aggregate = await repository.load(id);
    const folded = fold(order, events);
    folded.version = aggregate.version;
    if (row === undefined) found.push(`${stream} has no row`);
    else if (!equals(OrderSchema, rehydrate(OrderSchema, row), aggregate))
      found.push(`the row of ${stream} is another state`);
    if (!equals(OrderSchema, folded, aggregate)) found.push(`the state of ${stream} isn't the fold of its events`);
  }
  return found;
}
