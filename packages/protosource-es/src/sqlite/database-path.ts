/** What the name of a database means, in each of the notations that people know. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ProtosourceError } from "../errors.js";

/** What SQLite calls a database that ends with its connection. */
const MEMORY = ":memory:";

/** A name that begins with a scheme, which has more letters than a drive of Windows. */
const SCHEME = /^(?<scheme>[a-z][a-z\d+.-]+):(?<rest>.*)$/is;

/**
 * Gives the absolute path of the file that is meant, or `":memory:"`. Drivers read some texts each in its own way, but
 * all of them take these two as they are.
 *
 * Throws `invalid_argument` for what names neither, and for what would be dropped, such as `?mode=ro`.
 */
export function databasePath(given: string | URL): string {
  const text = typeof given === "string" ? given : given?.href;
  if (typeof text !== "string" || text === "" || text.includes("\0")) {
    throw invalidPath("the path is missing: give that of a file, or :memory:");
  }
  const { scheme, rest = text } = SCHEME.exec(text)?.groups ?? {};
  if (/\?\w+=/.test(rest)) {
    const advice = "leave the part from ? on away, and give settings by the options of openSqlite";
    throw invalidPath(
      `${text} has parameters, which aren't read: ${advice}; pathToFileURL names a file with a ? in it`,
    );
  }
  if (rest.toLowerCase() === MEMORY) return MEMORY;
  if (rest.startsWith(":"))
    throw invalidPath(`${text} is no database of SQLite: give :memory:, or ./${rest} for a file`);
  return resolve(scheme === undefined ? text : nameIn(scheme.toLowerCase(), rest, text));
}

/** Gives the name of a file behind a scheme. */
function nameIn(scheme: string, rest: string, text: string): string {
  if (rest !== "" && scheme === "sqlite" && !rest.startsWith("//") && !SCHEME.test(rest)) return rest;
  if (rest !== "" && scheme === "file" && !/[?#]/.test(rest)) {
    try {
      return rest.startsWith("//") ? fileURLToPath(text) : decodeURIComponent(rest);
    } catch (cause) {
      throw invalidPath(`${text} names no file of this machine: give its path, or what pathToFileURL makes of it`, {
        cause,
      });
    }
  }
  throw invalidPath(
    `${text} can't be opened as a file: give a path, file:orders.db, or ./${text} for a file of that name`,
  );
}

function invalidPath(message: string, options?: ErrorOptions): ProtosourceError<"invalid_argument"> {
  return new ProtosourceError("invalid_argument", message, { argument: "path" }, options);
}
