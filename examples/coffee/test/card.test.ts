import { given } from "protosource-es/testing";
import { test } from "vitest";
import { cardCommands, cardEvents } from "../gen/coffee/card/v1/card_protosource.js";
import { card, TooFewStamps } from "../src/card.js";

const issued = cardEvents.Issued({ owner: "Ann" });

test("a coffee is a stamp", async () => {
  await given(card, [issued, cardEvents.Stamped({ stamps: 1 })])
    .when(cardCommands.Stamp({}))
    .then([cardEvents.Stamped({ stamps: 2 })]);
});

test("ten stamps are a coffee", async () => {
  await given(card, [issued, cardEvents.Stamped({ stamps: 11 })])
    .when(cardCommands.Redeem({}))
    .then([cardEvents.Redeemed({ stamps: 1 })]);
});

test("nine stamps aren't", async () => {
  await given(card, [issued, cardEvents.Stamped({ stamps: 9 })])
    .when(cardCommands.Redeem({}))
    .thenRefused(TooFewStamps);
});
