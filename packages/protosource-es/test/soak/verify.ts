/** What must be true of a store after a soak, whatever faults there were. */
import { equals } from "@bufbuild/protobuf";
import { fold, isProtosourceError, Repository } from "protosource-es";
import type { DynamoDBOpaqueStore, DynamoDBStore } from "protosource-es/dynamodb";
import { rehydrate } from "protosource-es/opaquedata";
import { OrderSchema } from "../gen/example/app/order/v1/order_v1_pb.js";
import { orderCommands } from "../gen/example/app/order/v1/order_v1_protosource.js";
import { type Call, canBeOrdered } from "../linearize.js";
import { order } from "../order.js";
import type { Begun, Entry, Heard, Life, Owned } from "./journal.js";
import { LIFE_IDS, LIFE_MS, MARGIN_MS } from "./lives.js";

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
  /** Saves with a check that are stored, and those that had to be refused. */
  readonly checks: number;
  readonly wrongChecks: number;
  /** Saves that are stored and took or freed a value, answers about owners, and values of which the owners can't be. */
  readonly claims: number;
  readonly owners: number;
  readonly wrongClaims: number;
  /** Ids of commands that are stored, callers who were told that theirs was repeated, and wrong answers. */
  readonly commands: number;
  readonly repeated: number;
  readonly wrongCommands: number;
  /** Creations of aggregates that expire, and those while the one before was alive. */
  readonly lives: number;
  readonly wrongLives: number;
  readonly problems: readonly string[];
}

/** A write, with all that was heard of it: of a command with an id, by several callers. */
interface Write extends Omit<Begun, "kind" | "at" | "operation"> {
  readonly begun: number;
  /** When it was acknowledged first. */
  readonly ended: number;
  readonly outcome: Heard["outcome"];
  readonly answers: readonly NonNullable<Heard["command"]>[];
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
  const writes = writesOf(entries);
  const streams = [...new Set([...writes.values()].flatMap(({ events }) => Object.keys(events)))];

  for (const stream of streams) {
    try {
      const { records } = await store.load(stream);
      records.forEach(({ version }, i) => {
        if (version !== BigInt(i + 1)) problems.push(`${stream} holds version ${version} where ${i + 1} should be`);
      });
      const stored = stream.startsWith("soak")
        ? records.map(({ version, data }) => {
            const { write } = JSON.parse(Buffer.from(data).toString()) as { write: string };
            return { write, version: Number(version) };
          })
        : await tagsOf(store, stream);
      events += records.length;
      for (const { write, version } of stored) {
        const inStreams = places.get(write) ?? new Map<string, number[]>();
        places.set(write, inStreams.set(stream, [...(inStreams.get(stream) ?? []), version]));
      }
    } catch (error) {
      problems.push(`${stream} can't be read: ${String(error)}`);
    }
  }

  for (const one of writes.values()) {
    const { outcome } = one;
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
  for (const write of places.keys()) {
    if (write !== "" && !writes.has(write)) problems.push(`${write} is stored and was never sent`);
  }
  const all = [...writes.values()];
  const stored = all.filter(({ write }) => places.has(write));
  const owned = entries.filter((entry) => entry.kind === "owned");
  const answers = all.flatMap((write) => write.answers);
  const wrongReads = entries.filter((entry) => entry.kind === "wrong").map(({ what }) => what);
  const wrongChecks = findWrongChecks(stored, places);
  const wrongClaims = findWrongClaims(stored, owned, places);
  const wrongCommands = findWrongCommands(all, places);
  const lives = entries.filter((entry) => entry.kind === "life");
  const wrongLives = findWrongLives(lives);
  const rows = await wrongRows(store, opaqueStore, streams);
  return {
    streams: streams.length,
    events,
    acknowledged: all.filter(({ outcome }) => outcome === "stored").length,
    unknown: all.filter(({ outcome }) => outcome === "unknown").length,
    lost,
    doubled,
    halves,
    wrongReads: wrongReads.length,
    wrongRows: rows.length,
    checks: stored.filter(({ check }) => check !== undefined).length,
    wrongChecks: wrongChecks.length,
    claims: stored.filter(({ claim }) => claim !== undefined).length,
    owners: owned.length,
    wrongClaims: wrongClaims.length,
    commands: stored.filter((write) => write.answers.length > 0).length,
    repeated: answers.filter(({ repeated }) => repeated).length,
    wrongCommands: wrongCommands.length,
    lives: lives.length,
    wrongLives: wrongLives.length,
    problems: [...problems, ...wrongReads, ...wrongChecks, ...wrongClaims, ...wrongCommands, ...wrongLives, ...rows],
  };
}

/** Brings together what the journals say of each write. A caller who was killed heard nothing. */
function writesOf(entries: readonly Entry[]): ReadonlyMap<string, Write> {
  const sendings = new Map<string, Begun[]>();
  const heard = new Map<string, Heard[]>();
  for (const entry of entries) {
    if (entry.kind === "begun") sendings.set(entry.write, [...(sendings.get(entry.write) ?? []), entry]);
    if (entry.kind === "heard") heard.set(entry.write, [...(heard.get(entry.write) ?? []), entry]);
  }
  const writes = new Map<string, Write>();
  for (const [write, sent] of sendings) {
    const [{ events, check, claim }] = sent as [Begun];
    const told = heard.get(write) ?? [];
    const acknowledged = told.filter(({ outcome }) => outcome === "stored");
    const isOpen = told.length < sent.length || told.some(({ outcome }) => outcome === "unknown");
    writes.set(write, {
      write,
      events,
      check,
      claim,
      begun: Math.min(...sent.map(({ at }) => at)),
      ended: Math.min(...acknowledged.map(({ at }) => at)),
      outcome: acknowledged.length > 0 ? "stored" : isOpen ? "unknown" : "refused",
      answers: acknowledged.flatMap(({ command }) => command ?? []),
    });
  }
  return writes;
}

/** A transaction, and those that must come right behind it or later. */
interface Node {
  readonly name: string;
  readonly ended: number;
  readonly later: Node[];
  /** The number of those that must come before and aren't placed yet. */
  waitsFor: number;
  /** The earliest time at which it can have happened. */
  earliest: number;
}

/**
 * Names the checks that can't have held: there must be a time for each transaction, between its beginning and its end,
 * so that each stream is written in its order, and each check comes behind what it saw and before what it didn't.
 */
function findWrongChecks(stored: readonly Write[], places: Places): string[] {
  const problems: string[] = [];
  const nodes: Node[] = [];
  // The transaction of each version of each stream. More than 100 events are several.
  const streams = new Map<string, Node[]>();
  const nodesOf = new Map<string, Node>();
  for (const { write, begun, ended } of stored) {
    const parts: Node[] = [];
    for (const [stream, versions] of places.get(write) ?? []) {
      const inStream = streams.get(stream) ?? [];
      streams.set(stream, inStream);
      versions.forEach((version, i) => {
        const part = Math.floor(i / 100);
        parts[part] ??= { name: write, ended, later: [], waitsFor: 0, earliest: begun };
        inStream[version] = parts[part];
      });
    }
    nodes.push(...parts);
    if (parts[0] !== undefined) nodesOf.set(write, parts[0]);
  }
  const isBefore = (first: Node | undefined, second: Node | undefined): void => {
    if (first === undefined || second === undefined || first === second) return;
    first.later.push(second);
    second.waitsFor++;
  };
  for (const inStream of streams.values()) {
    for (let version = 2; version < inStream.length; version++) isBefore(inStream[version - 1], inStream[version]);
  }
  for (const { write, check } of stored) {
    if (check === undefined) continue;
    const node = nodesOf.get(write);
    const [seen, next] = [check.version, check.version + 1].map((version) => streams.get(check.stream)?.[version]);
    if (seen !== undefined && seen === next) problems.push(`${write} checked ${check.stream} in the middle of a save`);
    if (check.version > 0 && seen === undefined) problems.push(`${write} checked a version that ${check.stream} lacks`);
    isBefore(seen, node);
    isBefore(node, next);
  }

  const ready = nodes.filter(({ waitsFor }) => waitsFor === 0);
  for (const node of ready) {
    if (node.earliest > node.ended) problems.push(`${node.name} was over before what it follows began`);
    for (const next of node.later) {
      next.earliest = Math.max(next.earliest, node.earliest);
      if (--next.waitsFor === 0) ready.push(next);
    }
  }
  const circle = nodes.filter(({ waitsFor }) => waitsFor > 0).map(({ name }) => name);
  if (circle.length > 0) problems.push(`among these, checks contradict each other: ${circle.slice(0, 20).join(", ")}`);
  return problems;
}

/** Names the values of which the owners can't be: taken while they were somebody else's, or told wrongly. */
function findWrongClaims(stored: readonly Write[], owned: readonly Owned[], places: Places): string[] {
  /** The owner, and how far the stream of each owner has come. */
  interface State {
    readonly owner: string | undefined;
    readonly ends: Readonly<Record<string, number>>;
  }
  const calls = new Map<string, Call<State>[]>();
  const add = (value: string, call: Call<State>): void => void calls.set(value, [...(calls.get(value) ?? []), call]);
  for (const { write, claim, begun, ended } of stored) {
    if (claim === undefined) continue;
    const { value, owner, release } = claim;
    const version = places.get(write)?.get(owner)?.[0] ?? 0;
    const next = (state: State): State | undefined => {
      if ((state.ends[owner] ?? 0) !== version - 1) return undefined;
      const ends = { ...state.ends, [owner]: version };
      if (release) return { owner: state.owner === owner ? undefined : state.owner, ends };
      return state.owner === undefined || state.owner === owner ? { owner, ends } : undefined;
    };
    add(value, { begun, ended, next });
  }
  for (const { value, owner, begun, ended } of owned) {
    add(value, { begun, ended, next: (state) => (state.owner === owner ? state : undefined) });
  }
  return [...calls]
    .filter(([, own]) => !canBeOrdered(own, { owner: undefined, ends: {} }, ({ owner }) => String(owner)))
    .map(([value]) => `no order explains who had ${value}`);
}

/** Names the commands with an id of which callers were told different things, or the wrong version. */
function findWrongCommands(writes: readonly Write[], places: Places): string[] {
  return writes.flatMap(({ write, answers, events }) => {
    const problems: string[] = [];
    const [stream = ""] = Object.keys(events);
    const version = places.get(write)?.get(stream)?.[0];
    if (answers.some((answer) => answer.version !== version)) {
      problems.push(`${write} has version ${version}, and callers were told ${answers.map((one) => one.version)}`);
    }
    if (answers.filter(({ repeated }) => !repeated).length > 1) problems.push(`${write} was new to several callers`);
    return problems;
  });
}

/** Names the creations that were acknowledged while an earlier one of the same id must have been alive. */
function findWrongLives(lives: readonly Life[]): string[] {
  const sorted = lives.toSorted((a, b) => a.begun - b.begun);
  return LIFE_IDS.flatMap((id) => {
    const own = sorted.filter((one) => one.id === id);
    return own.flatMap(({ life, begun }, i) =>
      own
        .slice(i + 1)
        .filter(({ ended }) => ended < begun + LIFE_MS - MARGIN_MS)
        .map((other) => `${id} was created as ${life}, and as ${other.life} while that was alive`),
    );
  });
}

/** How much of a write is stored: `share` from 0 to 1, and whether its events follow each other in each stream. */
function foundOf(
  { write, events }: Write,
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

/** For each event of an order its version, and its tag's value, which is the name of the write; "" where it has none. */
async function tagsOf(store: DynamoDBStore, stream: string): Promise<{ write: string; version: number }[]> {
  const id = stream.slice(stream.indexOf("#") + 1);
  const history = await new Repository(order, store).history(id);
  return history.map((event) => ({
    write: "tag" in event ? (event.tag?.value ?? "") : "",
    version: Number(event.version),
  }));
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
