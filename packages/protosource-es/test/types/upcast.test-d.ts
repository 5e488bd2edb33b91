/** What the compiler must know of retired events. Checked by `npm run check:types`; nothing here runs. */
import { Repository, type RetiredOf, type UpcastingRules } from "protosource-es";
import type { EventOf } from "protosource-es/codegenv1";
import { MemoryStore } from "protosource-es/memory";
import { on } from "protosource-es/subscriptions";
import { given } from "protosource-es/testing";
import { expectTypeOf } from "vitest";
import type {
  CameIn,
  HasLeft,
  Joined,
  NameChanged,
  Registered,
  Renamed,
  Telephoned,
} from "../gen/example/app/member/v1/member_v1_pb.js";
import {
  defineMember,
  type MemberRules,
  type MemberTypes,
  memberCommands,
  memberEvents,
} from "../gen/example/app/member/v1/member_v1_protosource.js";
import { defineOrder, type OrderTypes, orderEvents } from "../gen/example/app/order/v1/order_v1_protosource.js";

const others = {
  Registered: ({ name }: Registered) => memberEvents.Joined({ givenName: name }),
  Telephoned: "ignore",
} as const;

expectTypeOf<MemberRules>().toEqualTypeOf<UpcastingRules<MemberTypes>>();
expectTypeOf<RetiredOf<MemberTypes>>().toEqualTypeOf<Registered | Renamed | Telephoned>();
expectTypeOf<EventOf<MemberTypes>>().toEqualTypeOf<Joined | NameChanged | CameIn | HasLeft>();
expectTypeOf<RetiredOf<OrderTypes>>().toEqualTypeOf<never>();

// Each retired event is known as what it was, and is read as any current one, or as nothing.
const member = defineMember({
  upcast: {
    ...others,
    Renamed: (old) => {
      expectTypeOf(old).toEqualTypeOf<Renamed>();
      return old.name === "" ? memberEvents.HasLeft({}) : memberEvents.NameChanged({ givenName: old.name });
    },
  },
  revision: 2,
});

// @ts-expect-error: nothing says what retired events mean
defineMember();
// @ts-expect-error: nothing says what retired events mean
defineMember({ revision: 1 });
// @ts-expect-error: one is missing
defineMember({ upcast: others });
// @ts-expect-error: a current event has no upcast
defineMember({ upcast: { ...others, Renamed: "ignore", Joined: "ignore" } });
// @ts-expect-error: a retired event isn't current
defineMember({ upcast: { ...others, Renamed: (old) => old } });
// @ts-expect-error: a command is no event
defineMember({ upcast: { ...others, Renamed: () => memberCommands.Leave({}) } });
// @ts-expect-error: another aggregate's event
defineMember({ upcast: { ...others, Renamed: () => orderEvents.Placed({}) } });
// @ts-expect-error: it gives nothing
defineMember({ upcast: { ...others, Renamed: () => undefined } });
// @ts-expect-error: it is asynchronous
defineMember({ upcast: { ...others, Renamed: async () => memberEvents.HasLeft({}) } });
// @ts-expect-error: one becomes one
defineMember({ upcast: { ...others, Renamed: () => [memberEvents.HasLeft({})] } });
// @ts-expect-error: it is "ignore"
defineMember({ upcast: { ...others, Renamed: "drop" } });
// Any domain has revisions.
defineOrder({ revision: 1 });

// Nobody meets a retired event but a test, which may give it.
const members = new Repository(member, new MemoryStore());
expectTypeOf(members.history("m-1")).toEqualTypeOf<Promise<readonly (Joined | NameChanged | CameIn | HasLeft)[]>>();
given(member, [memberEvents.Registered({ name: "Ann" })]).then({ givenName: "Ann" });
// @ts-expect-error: it is no longer emitted
void members.save("m-1", [memberEvents.Renamed({})]);
// @ts-expect-error: it is upcast before
on(member, { Renamed: () => {} });
