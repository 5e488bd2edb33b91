/** Given what happened years ago: tests may have retired events in the past of what they test. */
import { isProtosourceError } from "protosource-es";
import { after, defineProcess, defineReadModel, on } from "protosource-es/subscriptions";
import { given } from "protosource-es/testing";
import { expect, test } from "vitest";
import { defineMember, memberCommands, memberEvents } from "../../gen/example/app/member/v1/member_v1_protosource.js";
import { CustomerSalesSchema } from "../../gen/example/app/sales/v1/sales_v1_pb.js";
import { member } from "../../member.js";

const registered = memberEvents.Registered({ name: "Ann Smith" });
const telephoned = memberEvents.Telephoned({ note: "called back" });
const renamed = memberEvents.Renamed({ name: "Ann Jones" });

test("of an aggregate", async () => {
  given(member, [registered, telephoned, renamed]).then({ id: "1", version: 3n, familyName: "Jones" });
  given(member, [registered, telephoned]).then({ version: 2n, familyName: "Smith" });
  await given(member, [registered, telephoned])
    .when(memberCommands.ChangeName({ givenName: "Bea" }))
    .then([memberEvents.NameChanged({ version: 3n, givenName: "Bea" })]);
});

test("of a read model and of a process, with the versions that they had", async () => {
  const names = defineReadModel(CustomerSalesSchema, {
    name: "names",
    version: 1,
    from: [
      on(member, {
        Joined: ({ familyName }, { row, version }) =>
          row(familyName, (sales) => Object.assign(sales, { orders: version })),
        NameChanged: ({ familyName }, { row, version }) => {
          row(familyName, (sales) => Object.assign(sales, { orders: version }));
        },
      }),
    ],
  });
  await given(names)
    .events([member, "m-1", registered, telephoned, renamed])
    .inAnyOrder({ runs: 5 })
    .thenRows({ Smith: { orders: 1n }, Jones: { orders: 3n } });

  const welcome = defineProcess({
    name: "welcome",
    since: "beginning",
    from: [on(member, { NameChanged: (_, { version }) => after("greet", { days: Number(version) }) })],
    timers: { greet: () => undefined },
  });
  await given(welcome)
    .events([member, "m-1", registered, telephoned])
    .when([member, "m-1", renamed])
    .then([after("greet", { days: 3 })]);
  await given(welcome).when([member, "m-1", registered, telephoned]).thenNothing();
});

test("of which an upcast fails, with its error", () => {
  const Renamed = (): never => expect.fail("no family name");
  const broken = defineMember({ upcast: { Registered: "ignore", Renamed, Telephoned: "ignore" } });
  let thrown: unknown;
  try {
    given(broken, [registered, renamed]);
  } catch (error) {
    thrown = error;
  }
  expect(isProtosourceError(thrown, "corrupt_record")).toBe(true);
  expect(thrown).toMatchObject({ details: { key: "example_app_member_v1#1", version: 2n } });
});
