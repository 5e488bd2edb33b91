import { readFileSync } from "node:fs";

/** The version of this package. `package.json` is next to both `src` and `dist`. */
export const packageVersion: string = `v${
  (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string })
    .version
}`;
