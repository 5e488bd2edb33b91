/** Snapshots that another release of the domain made: what is read instead of them, and where nothing else is left. */
import { create } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { metaOf, Repository, type StoredRecord } from "protosource-es";
import { MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { jsonSerializer } from "protosource-es/serializer";
import { FakeClock } from "protosource-es/testing";
import { describe, expect, test } from "vitest";
import { failure } from "../../failure.js";
import { type MemberAggregate, memberEvents } from "../../gen/example/app/member/v1/member_v1_protosource.js";
import { member, memberWith } from "../../member.js";
import { fieldNamed, messageNamed, redefined } from "../../redefine.js";

const STREAM = "example_app_member_v1#m-1";

/** The domain before anything was retired, with a snapshot after every second event. */
const firstYear = memberWith({ retired: [], everyNEvents: 2 });

/** The domain of now, which writes snapshots as often. */
const now = memberWith({ everyNEvents: 2 });

class Stream {
  readonly clock = new FakeClock();
  readonly streams: MemoryStreams = new Map();
  readonly store = new MemoryStore({ clock: this.clock, streams: this.streams });
  /** The lengths of the tails that were read. */
  readonly tails: number[] = [];

  repository(definition: MemberAggregate, ttlSeconds = 0) {
    const store = new MemoryStore({ clock: this.clock, streams: this.streams, ttlSeconds });
    const loadTail = store.loadTail.bind(store);
    store.loadTail = (id, length, options) => {
      this.tails.push(length);
      return loadTail(id, length, options);
    };
    return new Repository(definition, store, { clock: this.clock, materialize: "off" });
  }

  /** The records, oldest first. */
  records(): readonly StoredRecord[] {
    return [...(this.streams.get(STREAM)?.values() ?? [])].map(({ record }) => record);
  }

  /** Deletes the records before a version, as a trim or an archive does. */
  trim(first: bigint): void {
    for (const { version } of this.records()) if (version < first) this.streams.get(STREAM)?.delete(version);
  }
}

const renamed = (name: string) => memberEvents.Renamed({ name }) as never;
const nameChanged = (givenName: string) => memberEvents.NameChanged({ givenName });

/** A stream of the first year: 1 Registered, 2 Renamed, 3 snapshot, 4 Renamed, 5 snapshot, 6 Renamed, 7 snapshot. */
async function stream(definition = firstYear, ttlSeconds = 0): Promise<Stream> {
  const made = new Stream();
  const members = made.repository(definition, ttlSeconds);
  await members.save("m-1", [memberEvents.Registered({ name: "Ann One" }) as never, renamed("Ann Two")]);
  await members.save("m-1", [renamed("Ann Three"), renamed("Ann Four")]);
  made.tails.length = 0;
  return made;
}

describe("a stale snapshot", () => {
  test("is passed over until the release of now has written one", async () => {
    const made = await stream();
    const members = made.repository(now);
    expect(await members.load("m-1")).toMatchObject({ version: 7n, familyName: "Four" });
    expect(made.tails).toEqual([2, 8]);
    await members.save("m-1", [nameChanged("Bea")]);
    made.tails.length = 0;
    expect(await members.load("m-1")).toMatchObject({ version: 9n, givenName: "Bea" });
    expect(made.tails).toEqual([2]);
    // The release of before passes over that one in turn.
    expect(await made.repository(firstYear).load("m-1")).toMatchObject({ version: 9n, givenName: "Bea" });
  });

  const shape = (change: (proto: FileDescriptorProto) => void) => redefined(now, change);
  const { upcast } = member.rules;
  test.each<[string, boolean, MemberAggregate]>([
    ["another revision", true, memberWith({ everyNEvents: 2, revision: 1 })],
    ["fewer retired events", true, memberWith({ everyNEvents: 2, retired: ["Registered", "Renamed"] })],
    ["one that is ignored", true, memberWith({ everyNEvents: 2, upcast: { ...upcast, Renamed: "ignore" } as never })],
    ["a new field", true, shape((proto) => messageNamed(proto, "Member").field.push(textField("nickname", 12)))],
    ["a field that is gone", true, shape((proto) => messageNamed(proto, "Member").field.splice(8, 1))],
    [
      "another number",
      true,
      shape((proto) => Object.assign(fieldNamed(proto, "Member", "family_name"), { number: 12 })),
    ],
    ["the same fields in another order", false, shape((proto) => messageNamed(proto, "Member").field.reverse())],
    ["another interval", false, memberWith({ everyNEvents: 3 })],
    [
      "a new field of an event",
      false,
      shape((proto) => messageNamed(proto, "HasLeft").field.push(textField("why", 5))),
    ],
    [
      "a new event",
      false,
      shape((proto) => proto.messageType.push({ ...messageNamed(proto, "HasLeft"), name: "CameBack" })),
    ],
  ])("is one of a domain with %s: %s", async (_, isStale, other) => {
    const made = await stream();
    await made.repository(now).save("m-1", [nameChanged("Bea")]);
    made.tails.length = 0;
    await made.repository(other).load("m-1");
    expect(made.tails.length > 1).toBe(isStale);
  });

  test("is one without a fingerprint, unless events mean what they always have", async () => {
    for (const [definition, isStale] of [
      [firstYear, false],
      [memberWith({ retired: [], everyNEvents: 2, revision: 1 }), true],
      [now, true],
    ] as const) {
      const made = await stream();
      for (const record of made.records()) delete record.meta;
      await made.repository(definition).load("m-1");
      expect(made.tails.length > 1).toBe(isStale);
    }
  });

  test("says so in JSON too, and nothing else", async () => {
    const made = new Stream();
    const options = { clock: made.clock, serializer: jsonSerializer, materialize: "off" } as const;
    await new Repository(firstYear, made.store, options).save("m-1", [renamed("Ann One"), renamed("Ann Two")]);
    const [, , snapshot] = made.records();
    expect(snapshot?.meta).toHaveLength(5);
    expect(snapshot && metaOf(snapshot)).toBeUndefined();
    expect(await new Repository(now, made.store, options).load("m-1")).toMatchObject({ familyName: "Two" });
  });

  test("with a meta that can't be read is corrupt_record", async () => {
    const made = await stream();
    Object.assign(made.records()[6] ?? {}, { meta: Uint8Array.of(255) });
    const error = await failure(made.repository(now).load("m-1"));
    expect(error).toMatchObject({ code: "corrupt_record", details: { version: 7n } });
  });
});

describe("where nothing else is left to begin with", () => {
  /** The first of the snapshots has no names: the domain that made it knew none. What follows is read as it is now. */
  test("the first stale snapshot is the base, in a stream that begins at it", async () => {
    const made = await stream();
    made.trim(3n);
    const members = made.repository(now);
    expect(await members.load("m-1")).toMatchObject({ version: 7n, familyName: "Four", createAt: 0n });
    made.trim(7n);
    expect(await members.load("m-1")).toMatchObject({ version: 7n, familyName: "" });
    await members.save("m-1", [nameChanged("Bea")]);
    expect(await members.load("m-1")).toMatchObject({ version: 9n, givenName: "Bea" });
  });

  test("it carries a life on beyond what has expired, and is passed over before", async () => {
    const made = await stream(memberWith({ retired: [], everyNEvents: 0 }), 60);
    // Events no longer expire, so the next command brings a snapshot though none is due.
    await made.repository(memberWith({ retired: [], everyNEvents: 0 })).save("m-1", [renamed("Ann Five")]);
    expect(made.records().map(({ ttl }) => ttl > 0n)).toEqual([true, true, true, true, true, false]);
    const members = made.repository(memberWith({ everyNEvents: 0 }));
    expect(await members.load("m-1")).toMatchObject({ version: 6n, familyName: "Five" });
    made.clock.advanceSeconds(61);
    expect(await members.load("m-1")).toMatchObject({ version: 6n, familyName: "" });
    expect(await failure(members.load("m-2"))).toMatchObject({ code: "not_found" });
  });

  test("the next command writes a snapshot of now, so that the life goes on as it was read", async () => {
    const made = await stream(memberWith({ retired: [], everyNEvents: 0 }), 60);
    await made.repository(memberWith({ retired: [], everyNEvents: 0 })).save("m-1", [renamed("Ann Five")]);
    const members = made.repository(memberWith({ everyNEvents: 0 }));
    await members.save("m-1", [memberEvents.CameIn({ visit: { day: "mon" } })]);
    made.clock.advanceSeconds(61);
    expect(await members.load("m-1")).toMatchObject({ version: 8n, familyName: "Five", greeting: "Ann Five: 1" });
  });
});

function textField(name: string, number: number) {
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    label: FieldDescriptorProto_Label.OPTIONAL,
    type: FieldDescriptorProto_Type.STRING,
  });
}
