/** What requests ask for. */
import { ProtosourceError } from "protosource-es";
import { usageError } from "../failure.js";
import { wholeNumber } from "../format.js";
import type { Followed, Studio } from "./studio.js";

/** Gives a parameter that must be there. Throws `invalid_argument`. */
export function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value !== null && value !== "") return value;
  throw usageError(name, `the request lacks ${name}: add it`);
}

/** Gives how many of something a page may hold. Throws `invalid_argument`. */
export function pageSize(query: URLSearchParams, byDefault: number, most: number): number {
  const text = query.get("limit");
  return text === null ? byDefault : wholeNumber(text, "limit", 1, most);
}

/** Gives the subscriptions that are looked at. Throws `not_configured` where none are known. */
export function requireFollowed({ followed }: Studio): Followed {
  if (followed !== undefined) return followed;
  const advice =
    "start the studio with --domain and a module that exports subscriptions, with feeds=… in --store on DynamoDB";
  throw new ProtosourceError("not_configured", `no subscription is known: ${advice}`, { option: "--domain" });
}
