/** What is wrong with an answer that says it is a success. */
import type { Item } from "./limits.js";

/** The part of an answer that is a page. */
interface Page {
  readonly Items?: readonly Item[] | undefined;
  readonly LastEvaluatedKey?: Item | undefined;
}

/**
 * Gives a page if it can be one. Without items it is an answer of something else than DynamoDB, and not an empty page;
 * and one that goes on where it began would be read for ever.
 */
export function usablePage<P extends Page>(
  page: P,
  { ExclusiveStartKey }: { ExclusiveStartKey?: Item | undefined },
): P {
  if (!Array.isArray(page.Items)) throw unusable("it has no Items");
  if (page.LastEvaluatedKey && ExclusiveStartKey && isSameKey(page.LastEvaluatedKey, ExclusiveStartKey)) {
    throw unusable("its LastEvaluatedKey is where it began");
  }
  return page;
}

/** Gives an answer if it has a member that DynamoDB never leaves out. */
export function answerWith<A extends object>(answer: A, member: keyof A & string): A {
  if (answer[member] === undefined) throw unusable(`it has no ${member}`);
  return answer;
}

/** Makes an error as the SDK's is for an answer that can't be read, after which a request is sent again. */
function unusable(problem: string): Error {
  const error = new Error(`the answer can't be right: ${problem}`);
  return Object.assign(error, { name: "UnusableAnswer", $metadata: { httpStatusCode: 200 } });
}

function isSameKey(key: Item, other: Item): boolean {
  return Object.keys(key).every((name) => key[name]?.S === other[name]?.S && key[name]?.N === other[name]?.N);
}
