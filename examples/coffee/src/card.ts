import { type CardAggregate, defineCard } from "../gen/coffee/card/v1/card_protosource.js";

/** Refuses a card with too few stamps. */
export class TooFewStamps extends Error {
  override readonly name = "TooFewStamps";
}

export const card: CardAggregate = defineCard({
  evaluate: {
    Stamp: ({ stamps }) => ({ proceed: { Stamped: { stamps: stamps + 1 } } }),
    Redeem({ stamps }) {
      if (stamps < 10) throw new TooFewStamps(`${stamps} of 10 stamps`);
      return { proceed: { Redeemed: { stamps: stamps - 10 } } };
    },
  },
});
