import { type Change, pathText } from "../json-diff.js";
import type { StateChange } from "./contract.js";

/** Gives a change as answers hold it. */
export function asShown({ keys, before, after }: Change): StateChange {
  return {
    path: pathText(keys),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}
