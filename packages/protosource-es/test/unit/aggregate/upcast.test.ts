/** Retired events: what each is read as, wherever a stored event is read. */
import type { Message } from "@bufbuild/protobuf";
import {
  applyEvent,
  commandFor,
  defineAggregate,
  fromRecord,
  isProtosourceError,
  Repository,
  type Rules,
  rebuild,
  toRecord,
  upcast,
} from "protosource-es";
import { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
import { defineHandler, on, Subscriptions } from "protosource-es/subscriptions";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { type Member, MemberSchema } from "../../gen/example/app/member/v1/member_v1_pb.js";
import {
  MemberQueries,
  type MemberTypes,
  memberCommands,
  memberEvents,
} from "../../gen/example/app/member/v1/member_v1_protosource.js";
import { defineOrder } from "../../gen/example/app/order/v1/order_v1_protosource.js";
import { member, memberWith } from "../../member.js";
import { redefined, setRole } from "../../redefine.js";

const STREAM = "example_app_member_v1#m-1";

/** The domain of the first year, in which nothing was retired, and no snapshot came so early. */
const firstYear = memberWith({ retired: [], everyNEvents: 50 });

/** What a member did in the first year. */
const PAST = [
  memberEvents.Registered({ name: "Ann Smith" }),
  memberEvents.Telephoned({ note: "called back" }),
  memberEvents.CameIn({ visit: { day: "mon", club: "chess" } }),
  memberEvents.Renamed({ name: "Ann Jones" }),
];

/** What it is read as; the second one as nothing. */
const READ = [
  { $typeName: "example.app.member.v1.Joined", version: 1n, givenName: "Ann", familyName: "Smith" },
  { $typeName: "example.app.member.v1.CameIn", version: 3n, visit: { day: "mon" } },
  { $typeName: "example.app.member.v1.NameChanged", version: 4n, givenName: "Ann", familyName: "Jones" },
];

const STATE = { id: "m-1", version: 4n, givenName: "Ann", familyName: "Jones", greeting: "Ann Jones: 1" };

/** A store with the past of a member, and rows of before. */
async function openStore(past: readonly Message[] = PAST) {
  const clock = new FakeClock();
  const opaqueStore = new MemoryOpaqueStore({ clock });
  const store = new MemoryStore({ clock, opaqueStore });
  await new Repository(firstYear, store, { clock }).save("m-1", past as never);
  return { clock, store, opaqueStore, members: new Repository(member, store, { clock }) };
}

describe("what a retired event means now is read", () => {
  test("by a load, with the version of what is ignored", async () => {
    const { members } = await openStore();
    const loaded = await members.load("m-1");
    expect(loaded).toMatchObject(STATE);
    // The current event is the one that creates.
    expect(loaded.createAt).toBeGreaterThan(0n);
    const ignored = await openStore([memberEvents.Telephoned({})]);
    expect(await ignored.members.load("m-1")).toMatchObject({ id: "m-1", version: 1n, modifyAt: 0n });
  });

  test("by history, and by each part of it", async () => {
    const { members } = await openStore();
    const history = await members.history("m-1");
    expect(history).toMatchObject(READ);
    for (const { id, at } of history) expect({ id, isTimed: at > 0n }).toEqual({ id: "m-1", isTimed: true });
    expect(await members.history("m-1", { from: 2n, limit: 1 })).toMatchObject([READ[1]]);
    expect(await members.history("m-1", { reverse: true, to: 3n })).toMatchObject([READ[1], READ[0]]);
  });

  test("by commands and plans, whose rows follow", async () => {
    const { members, opaqueStore } = await openStore();
    const comeIn = memberCommands.ComeIn({ id: "m-1", actor: "ann", visit: { day: "tue" } });
    const { writes } = await members.plan([commandFor(members, comeIn)]);
    expect(writes).toMatchObject([{ records: [{ version: 5n }, { version: 6n }] }]);
    const { aggregate } = await members.apply(comeIn);
    // A snapshot is due after version 5.
    expect(aggregate).toMatchObject({ version: 6n, greeting: "Ann Jones: 2" });
    expect(await new MemberQueries(opaqueStore).get("m-1")).toMatchObject({ version: 6n, familyName: "Jones" });
  });

  test("by a rebuild", async () => {
    const { clock, store, opaqueStore } = await openStore();
    const counts = await rebuild([member], store, opaqueStore, { clock });
    expect(counts).toMatchObject({ streams: 1, failed: 0 });
    expect(await new MemberQueries(opaqueStore).get("m-1")).toMatchObject({ familyName: "Jones" });
  });

  test("by subscriptions, whether a doorbell brings the records or not", async () => {
    const { clock, store } = await openStore();
    const { records } = await store.load(STREAM);
    for (const told of [{}, { records }]) {
      const seen: unknown[] = [];
      const handler = defineHandler({
        name: `seen-${Object.keys(told).length}`,
        from: [
          on(member, {
            Joined: ({ familyName }, { version }) => void seen.push([version, familyName]),
            CameIn: ({ visit }, { version }) => void seen.push([version, visit?.day]),
            NameChanged: ({ familyName }, { version }) => void seen.push([version, familyName]),
          }),
        ],
      });
      const subscriptions = new Subscriptions({ store, clock, all: [handler] });
      const bell = { streamId: STREAM, version: 4n, kind: "saved", ...told } as const;
      for (let i = 0; i < 3; i++) await subscriptions.deliver([bell]);
      expect(seen).toEqual([
        [1n, "Smith"],
        [3n, "mon"],
        [4n, "Jones"],
      ]);
    }
  });

  test("in a record, where one that is ignored is as it was stored", async () => {
    const { store } = await openStore();
    const { records } = await store.load(STREAM);
    expect(records.map((record) => fromRecord(member, record))).toMatchObject([
      READ[0],
      { $typeName: "example.app.member.v1.Telephoned", version: 2n, note: "called back" },
      READ[1],
      READ[2],
    ]);
  });
});

describe("an upcast", () => {
  const old = memberEvents.Renamed({ id: "m-1", version: 7n, at: 5n, actor: "ann", name: "Ann Jones" });

  test("leaves the id, the version, the time and the actor as they were", () => {
    const given = memberEvents.NameChanged({ id: "x", version: 1n, at: 2n, actor: "x", givenName: "Ann" });
    const definition = memberWith({ upcast: { ...upcasts(), Renamed: () => given } });
    expect(upcast(definition, old)).toMatchObject({ id: "m-1", version: 7n, at: 5n, actor: "ann", givenName: "Ann" });
    expect(given).toMatchObject({ id: "x", version: 1n });
  });

  test("may give a constant: no state gets hold of it", () => {
    const constant = memberEvents.CameIn({ visit: { day: "mon" } });
    const definition = memberWith({ upcast: { ...upcasts(), Renamed: () => constant } });
    const [first, second] = [upcast(definition, old), upcast(definition, old)] as (typeof constant)[];
    expect(first).toEqual(second);
    expect(first?.visit).not.toBe(second?.visit);
    expect(first?.visit).not.toBe(constant.visit);
  });

  test("of a current event, a snapshot or another aggregate's event does nothing", () => {
    const joined = memberEvents.Joined({ id: "m-1" });
    expect(upcast(member, joined)).toBe(joined);
  });

  const thrown = new Error("no family name");
  test.each<[string, () => unknown, unknown]>([
    ["throws", () => expect.fail(thrown.message), undefined],
    ["gives nothing", () => undefined, undefined],
    ["gives a retired event", () => old, undefined],
    ["gives a command", () => memberCommands.ChangeName({}), undefined],
    ["gives a snapshot", () => ({ $typeName: "example.app.member.v1.Snapshot" }), undefined],
    ["gives fields alone", () => ({ givenName: "Ann" }), undefined],
    ["gives a value that its field can't hold", () => memberEvents.NameChanged({ givenName: 5 as never }), undefined],
    ["is asynchronous", async () => memberEvents.NameChanged({}), undefined],
    ["fails asynchronously", () => Promise.reject(thrown), undefined],
  ])("that %s is corrupt_record, with the version and the retired type", async (_, Renamed) => {
    const definition = memberWith({ upcast: { ...upcasts(), Renamed: Renamed as never } });
    const { store, clock } = await openStore();
    const members = new Repository(definition, store, { clock });
    const details = { key: STREAM, version: 4n, typeName: "example.app.member.v1.Renamed" };
    for (const call of [members.load("m-1"), members.history("m-1"), members.history("m-1", { from: 4n })]) {
      expect(await failure(call)).toMatchObject({ code: "corrupt_record", details });
    }
    expect(await members.history("m-1", { to: 3n })).toHaveLength(2);
  });
});

/** The rules of the test's domain. */
function upcasts(): NonNullable<Rules<MemberTypes>["upcast"]> {
  return member.rules.upcast as NonNullable<Rules<MemberTypes>["upcast"]>;
}

describe("defineAggregate refuses", () => {
  const { Renamed, ...lacking } = upcasts();
  test.each<[string, object, RegExp]>([
    ["a retired event without an upcast", { upcast: lacking }, /no upcast for the retired event Renamed/],
    ["a domain without upcasts", {}, /no upcast for the retired event Registered/],
    ["an upcast that is no rule", { upcast: { ...upcasts(), Renamed: "forget" } }, /no upcast for .* Renamed/],
    ["an upcast of a current event", { upcast: { ...upcasts(), Joined: "ignore" } }, /Joined, which isn't a retired/],
    ["a revision that isn't a whole number", { upcast: upcasts(), revision: 0.5 }, /0.5 is no revision/],
    ["a revision below 0", { upcast: upcasts(), revision: -1 }, /-1 is no revision/],
  ])("%s", (_, rules, reason) => {
    expect(() => defineAggregate(MemberSchema as never, rules)).toThrow(reason);
  });

  test("an upcast where nothing is retired", () => {
    expect(() => defineOrder({ upcast: { Placed: "ignore" } as never })).toThrow(/Placed, .* it has none/);
  });

  test("a command that emits a retired event", () => {
    expect(() =>
      redefined(member, (proto) => setRole(proto, "ChangeName", "command", { producesEvents: ["Renamed"] })),
    ).toThrow(/emits Renamed, which isn't an event of its file, or is retired/);
  });
});

describe("a retired event is refused", () => {
  const old = memberEvents.Renamed({ id: "m-1", version: 1n, name: "Ann" });

  test.each<[string, () => unknown]>([
    ["by a save", async () => (await openStore()).members.save("m-1", [old as never])],
    ["by toRecord", async () => toRecord(member, old)],
    ["by applyEvent, before it is upcast", async () => applyEvent(member, {} as Member, old)],
  ])("%s", async (_, call) => {
    const error = await failure(Promise.resolve(call()));
    expect(isProtosourceError(error, "unhandled_event")).toBe(true);
  });
});
