/** Given what happened to somebody who was forgotten since: rules, rows and processes meet empty fields, and can tell. */
import { isErased } from "protosource-es/personal";
import { after, defineProcess, defineReadModel, on } from "protosource-es/subscriptions";
import { given } from "protosource-es/testing";
import { expect, test } from "vitest";
import { CardSchema } from "../../gen/example/app/people/v1/people_v1_pb.js";
import {
  definePerson,
  type PersonTypes,
  personCommands,
  personEvents,
} from "../../gen/example/app/people/v1/people_v1_protosource.js";
import { redefined, retire } from "../../redefine.js";

const person = definePerson({
  evaluate: { ChangePlan: (state) => (isErased(state) ? "skip" : "proceed") },
});
const registered = personEvents.Registered({ email: "ann@example.org", name: "Ann", plan: "gold" });
const parcel = { parcelId: "b-1", recipientId: "p-2", address: { lines: ["Elm Road 1"] }, weight: 3n };
const sent = personEvents.Sent({ parcel });

test("of an aggregate", async () => {
  const options = { id: "p-1", forgotten: ["p-1"] };
  given(person, [registered, sent]).then({ email: "ann@example.org", parcels: { "b-1": parcel } });
  given(person, [registered, sent], options).then({ email: "", name: "", plan: "gold", parcels: { "b-1": parcel } });
  given(person, [registered, sent], { forgotten: ["p-2"] }).then({
    name: "Ann",
    parcels: { "b-1": { parcelId: "b-1", recipientId: "p-2", weight: 3n } },
  });
  given(person, [registered], options).thenProjection("Contact", { name: "", email: "" });
  await given(person, [registered], options)
    .when(personCommands.ChangePlan({ plan: "basic" }))
    .thenSkipped();
  await given(person, [registered])
    .when(personCommands.ChangePlan({ plan: "basic" }))
    .then([personEvents.PlanChanged({ plan: "basic" })]);
  expect(registered.name).toBe("Ann");
});

test("of whom nothing is stored any more", async () => {
  const forgotten = ["p-2"];
  const gone = given(person, [registered], { forgotten });
  await gone.when(personCommands.Send({ parcel })).thenRefused("subject_erased");
  await gone.when(personCommands.Rename({ name: "Ann Lee" })).then([personEvents.Renamed({ name: "Ann Lee" })]);
  await gone
    .when(personCommands.Send({ parcel: { parcelId: "b-1", recipientId: "p-2" } }))
    .then([personEvents.Sent({ parcel: { parcelId: "b-1", recipientId: "p-2" } })]);
});

test("of an aggregate whose events are retired", () => {
  const upcast = { Renamed: ({ name }: { readonly name: string }) => personEvents.PlanChanged({ plan: `of ${name}` }) };
  const now = redefined<PersonTypes>({ ...definePerson(), rules: { upcast } as never }, (proto) =>
    retire(proto, "Renamed", "Rename"),
  );
  const events = [registered, personEvents.Renamed({ name: "Ann Lee" })];
  given(now, events, { id: "p-1" }).then({ plan: "of Ann Lee" });
  given(now, events, { id: "p-1", forgotten: ["p-1"] }).then({ plan: "of " });
});

test("of a read model and of a process", async () => {
  const cards = defineReadModel(CardSchema, {
    name: "cards",
    version: 1,
    from: [
      on(person, {
        Registered: ({ name, plan }, { id, row }) => row(id, (card) => Object.assign(card, { name, plan })),
      }),
    ],
  });
  await given(cards, { forgotten: ["p-1"] })
    .events([person, "p-1", registered], [person, "p-2", registered])
    .inAnyOrder({ runs: 5 })
    .thenRows({ "p-1": { name: "", plan: "gold" }, "p-2": { name: "Ann", plan: "gold" } });
  const greet = defineProcess({
    name: "greet",
    since: "beginning",
    from: [on(person, { Registered: (event) => (isErased(event) ? undefined : after("greet", { days: 1 })) })],
    timers: { greet: () => undefined },
  });
  await given(greet)
    .when([person, "p-1", registered])
    .then([after("greet", { days: 1 })]);
  await given(greet, { forgotten: ["p-1"] })
    .when([person, "p-1", registered])
    .thenNothing();
});
