import { isProtosourceError } from "protosource-es";
import { type Subscription, subscriptionId } from "protosource-es/subscriptions";
import { commandLineOn } from "../../command-line.js";
import { shortName } from "../../format.js";
import { readPayload } from "../../payload.js";
import { handles, parkedView, readPositions, sourceOf } from "../positions.js";
import { required, requireFollowed } from "../query.js";
import type { Route, Studio } from "../studio.js";
import type { NextEvent, PositionInfo, StreamPositions } from "../subscriptions-contract.js";

/** How many events are told that would come next. */
const NEXT = 20;

/** `positions`: how far each subscription has come that follows the stream `id`, and what a release would handle next. */
export const positions: Route = async (studio, query, signal): Promise<StreamPositions> => {
  const id = required(query, "id");
  const found: PositionInfo[] = [];
  for (const one of requireFollowed(studio).all) {
    if (sourceOf(one, id) !== undefined) found.push(await positionOf(studio, one, id, signal));
  }
  return { id, positions: found };
};

async function positionOf(
  studio: Studio,
  subscription: Subscription,
  id: string,
  signal: AbortSignal,
): Promise<PositionInfo> {
  const [position] = await readPositions(requireFollowed(studio).store, subscription, [id], signal);
  const { version = 0n, parked } = position ?? {};
  const name = subscriptionId(subscription);
  const words = studio.words && withoutDescriptors(studio.words);
  const release = (options: readonly string[]): string =>
    commandLineOn(["subscriptions", "release"], [name, id], options);
  return {
    subscription: name,
    version: version.toString(),
    ...(await nextEvents(studio, subscription, id, version, signal)),
    ...(parked && {
      parked: parkedView(parked, studio.personal),
      ...(words && { lines: { release: release(words), skip: release(["--skip", ...words]) } }),
    }),
  };
}

/** The commands of subscriptions take the domain alone. */
function withoutDescriptors(words: readonly string[]): readonly string[] {
  return words.filter((word, i) => word !== "--descriptors" && words[i - 1] !== "--descriptors");
}

/** Reads what lies behind a position, up to what can't be read. */
async function nextEvents(
  { store, schemas }: Studio,
  subscription: Subscription,
  id: string,
  version: bigint,
  signal: AbortSignal,
): Promise<Pick<PositionInfo, "next" | "more" | "problem">> {
  const next: NextEvent[] = [];
  try {
    // One more than is told, to know whether there is more.
    for await (const record of store.events(id, { from: version + 1n, limit: NEXT + 1, signal })) {
      const { typeName } = readPayload(id, record, schemas);
      next.push({
        version: record.version.toString(),
        ...(typeName === undefined ? {} : { type: shortName(typeName) }),
        handled: handles(subscription, id, typeName),
      });
    }
  } catch (error) {
    if (!isProtosourceError(error, "corrupt_stream") && !isProtosourceError(error, "corrupt_record")) throw error;
    return { next: next.slice(0, NEXT), more: next.length > NEXT, problem: error.rawMessage };
  }
  return { next: next.slice(0, NEXT), more: next.length > NEXT };
}
