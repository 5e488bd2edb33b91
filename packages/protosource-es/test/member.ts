/** The members of the test schemas, with their hand-written rules: now, and when fewer events were retired. */
import { defineAggregate, type Rules, type UpcastingRules } from "protosource-es";
import {
  defineMember,
  type MemberAggregate,
  type MemberTypes,
  memberEvents,
} from "./gen/example/app/member/v1/member_v1_protosource.js";
import { redefined, reinstate, setRole } from "./redefine.js";

type RetiredName = keyof MemberTypes["retired"];

/** The events that are retired by now. */
export const RETIRED: readonly RetiredName[] = ["Registered", "Renamed", "Telephoned"];

const rules: UpcastingRules<MemberTypes> = {
  upcast: {
    Registered: ({ name }) => memberEvents.Joined(split(name)),
    Renamed: ({ name }) => memberEvents.NameChanged(split(name)),
    Telephoned: "ignore",
  },
  afterOn(member) {
    member.greeting = `${member.givenName} ${member.familyName}: ${Object.keys(member.visits).length}`;
  },
};

export const member: MemberAggregate = defineMember(rules);

/** The domains by which events were retired and which interval they had: to compile one takes a while. */
const domains = new Map<string, MemberAggregate>();

/** Gives the domain as it is with other rules or another interval, or was when only these events were retired. */
export function memberWith({
  retired = RETIRED,
  everyNEvents = 5,
  ...others
}: Rules<MemberTypes> & {
  readonly retired?: readonly RetiredName[];
  readonly everyNEvents?: number;
}): MemberAggregate {
  const { upcast = rules.upcast } = others;
  const kept = Object.fromEntries(retired.map((name) => [name, upcast[name]])) as typeof upcast;
  const own = { ...rules, ...others, upcast: kept };
  const key = JSON.stringify([retired, everyNEvents]);
  const domain =
    domains.get(key) ??
    redefined({ ...member, rules: own }, (proto) => {
      for (const name of RETIRED) if (!retired.includes(name)) reinstate(proto, name);
      setRole(proto, "Snapshot", "snapshot", { everyNEvents });
    });
  domains.set(key, domain);
  return defineAggregate(domain.schema, own);
}

function split(name: string): { readonly givenName: string; readonly familyName: string } {
  const [givenName = "", familyName = ""] = name.split(" ");
  return { givenName, familyName };
}
