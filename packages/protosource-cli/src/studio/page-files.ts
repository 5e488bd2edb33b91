/** The files of the page, which the build puts beside the program. */
import { existsSync, readFileSync } from "node:fs";
import { ProtosourceError } from "protosource-es";

/** A file, as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The files by their paths; the page itself is `/`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/app.js", "app.js", "text/javascript; charset=utf-8"],
  ["/engine.js", "engine.js", "text/javascript; charset=utf-8"],
  ["/app.css", "app.css", "text/css; charset=utf-8"],
];

/** Where they are: beside the built program, and from the sources where the build puts them. */
const FOLDERS: readonly URL[] = ["./page/", "../../dist/studio/page/"].map((path) => new URL(path, import.meta.url));

/** Reads the page. Throws `not_found` where it was never built. */
export function readPage(folders: readonly URL[] = FOLDERS): PageFiles {
  const folder = folders.find((one) => existsSync(new URL("index.html", one)));
  if (folder === undefined) {
    const message = "the page of the studio isn't there: install protosource-cli again, or build it by npm run build";
    throw new ProtosourceError("not_found", message, { aggregateId: "index.html", reason: "unknown" });
  }
  return new Map(
    FILES.map(([path, file, type]) => [path, { type, body: new Uint8Array(readFileSync(new URL(file, folder))) }]),
  );
}
