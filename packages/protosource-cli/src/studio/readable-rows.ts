import { usageError } from "../failure.js";
import type { Studio, StudioOptions } from "./studio.js";

/** Gives the store of the rows. Throws `invalid_argument` where there is none. */
export function readableRows({ opaqueStore }: Studio): NonNullable<StudioOptions["opaqueStore"]> {
  if (opaqueStore !== undefined) return opaqueStore;
  throw usageError("store", "there are no rows here: only events were given, so look at streams");
}
