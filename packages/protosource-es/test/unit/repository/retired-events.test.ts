/**
 * The law of retired events: whatever was retired when, whatever snapshots of whatever domain lie among the events, the
 * state is that of all events as they are read today.
 */
import { equals, type Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import { beginsLife, fold, fromRecord, Repository, type StoredRecord, upcast } from "protosource-es";
import { MemoryStore, type MemoryStreams } from "protosource-es/memory";
import { binarySerializer, jsonSerializer, type Serializer } from "protosource-es/serializer";
import { FakeClock } from "protosource-es/testing";
import { expect, test } from "vitest";
import { MemberSchema } from "../../gen/example/app/member/v1/member_v1_pb.js";
import {
  type MemberAggregate,
  type MemberTypes,
  memberEvents,
} from "../../gen/example/app/member/v1/member_v1_protosource.js";
import { member, memberWith, RETIRED } from "../../member.js";

const STREAM = "example_app_member_v1#m-1";

/** What calls that were written down have come to mean, by the revision of the domain. */
const CALLS = [
  "ignore",
  () => memberEvents.HasLeft({}),
  () => memberEvents.CameIn({ visit: { day: "call", club: "phone" } }),
] as const;

/** Releases of the domain: with any interval, any events retired, and any meaning of one of them. */
const releases: fc.Arbitrary<MemberAggregate> = fc
  .record({
    retired: fc.subarray([...RETIRED]),
    everyNEvents: fc.constantFrom(0, 1, 3),
    revision: fc.nat({ max: 2 }),
  })
  .map(({ retired, everyNEvents, revision }) => {
    const Telephoned = CALLS[revision] ?? "ignore";
    const { Registered = "ignore", Renamed = "ignore" } = member.rules.upcast ?? {};
    return memberWith({ retired, everyNEvents, revision, upcast: { Registered, Renamed, Telephoned } });
  });

const names = fc.constantFrom("Ann Smith", "Ann Jones", "Bob", "");
const events: fc.Arbitrary<Message> = fc.oneof(
  { weight: 1, arbitrary: names.map((givenName) => memberEvents.Joined({ givenName })) },
  { weight: 1, arbitrary: names.map((name) => memberEvents.Registered({ name })) },
  { weight: 3, arbitrary: names.map((familyName) => memberEvents.NameChanged({ familyName })) },
  { weight: 3, arbitrary: names.map((name) => memberEvents.Renamed({ name })) },
  { weight: 3, arbitrary: fc.constantFrom("mon", "tue").map((day) => memberEvents.CameIn({ visit: { day } })) },
  { weight: 3, arbitrary: names.map((note) => memberEvents.Telephoned({ note })) },
  { weight: 1, arbitrary: fc.constant(memberEvents.HasLeft({})) },
);

/** What one release does, and whether Go could have written its snapshots, which says nothing of itself in them. */
const phases = fc.array(
  fc.record({ release: releases, events: fc.array(events, { maxLength: 8 }), isGo: fc.boolean() }),
  { minLength: 1, maxLength: 6 },
);

/** The domain in which every event is read as it is stored. */
const raw = memberWith({ retired: [] });

test("a state is that of all events as they are read", async () => {
  await fc.assert(
    fc.asyncProperty(
      phases,
      fc.boolean(),
      fc.constantFrom(binarySerializer, jsonSerializer),
      async (all, hasTails, serializer) => {
        const clock = new FakeClock();
        const streams: MemoryStreams = new Map();
        const memory = new MemoryStore({ clock, streams });
        const store = hasTails ? memory : { save: memory.save.bind(memory), load: memory.load.bind(memory) };
        const options = { clock, serializer, materialize: "off" } as const;
        for (const { release, events: wanted, isGo } of all) {
          const known = release.model.events.map(({ schema }) => schema.typeName);
          const emitted = wanted.filter(({ $typeName }) => known.includes($typeName));
          const before = BigInt(recordsOf(streams).length);
          await new Repository(release, store, options).save("m-1", emitted as never);
          const isFirst = release.model.retired.length === 0 && release.rules.revision === 0;
          for (const record of recordsOf(streams)) if (isGo && isFirst && record.version > before) delete record.meta;
          for (const reader of [release, all[0]?.release ?? release]) {
            await expectTruth(new Repository(reader, store, options), reader, streams, serializer);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

/** Checks that a repository reads of a stream what all of its events give. */
async function expectTruth(
  members: Repository<MemberTypes>,
  reader: MemberAggregate,
  streams: MemoryStreams,
  serializer: Serializer,
): Promise<void> {
  const stored = recordsOf(streams).map((record) => fromRecord(raw, record, { serializer }));
  if (stored.length === 0) return;
  const read = stored.filter(({ $typeName }) => !$typeName.endsWith(".Snapshot")).map((event) => upcast(reader, event));
  const expected = fold(reader, read);
  expected.version = BigInt(stored.length);
  const loaded = await members.load("m-1");
  expect(loaded).toEqual(expected);
  expect(equals(MemberSchema, loaded, expected)).toBe(true);
  const current = read.filter(({ $typeName }) =>
    reader.model.events.some(({ schema }) => schema.typeName === $typeName),
  );
  const begin = current.findLastIndex((event) => beginsLife(reader, event, undefined));
  expect(await members.history("m-1")).toEqual(current.slice(Math.max(begin, 0)));
}

function recordsOf(streams: MemoryStreams): readonly StoredRecord[] {
  return [...(streams.get(STREAM)?.values() ?? [])].map(({ record }) => record);
}
