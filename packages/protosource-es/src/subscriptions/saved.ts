/** What was saved, as one who waits for a subscription says it. */
import type { Message } from "@bufbuild/protobuf";
import { invalid } from "../errors.js";
import { type Subscription, subscriptionId } from "./subscription.js";

/** A version of an aggregate that was saved: what `apply` gives, an id and a version, or a stream and a version. */
export type Saved =
  | { readonly id: string; readonly version: bigint; readonly aggregate?: Message | undefined }
  | { readonly streamId: string; readonly version: bigint };

/** Gives the stream of what was saved. Throws `invalid_argument` where the subscription doesn't tell of which aggregate. */
export function streamOf(subscription: Subscription, saved: Saved): string {
  if ("streamId" in saved) return saved.streamId;
  const { id, aggregate } = saved;
  const name = subscriptionId(subscription);
  const behaviours = subscription.sources.map(({ behaviour }) => behaviour);
  const followed = behaviours.map(({ schema }) => schema.typeName).join(", ");
  if (aggregate !== undefined) {
    const behaviour = behaviours.find(({ schema }) => schema.typeName === aggregate.$typeName);
    if (behaviour !== undefined) return behaviour.streamPrefix + id;
    throw invalid("saved", `${name} doesn't follow ${aggregate.$typeName}: it follows ${followed}`);
  }
  const [only, ...others] = behaviours;
  if (only !== undefined && others.length === 0) return only.streamPrefix + id;
  throw invalid("saved", `${name} follows ${followed}: give what apply gave, or the id of the stream`);
}
