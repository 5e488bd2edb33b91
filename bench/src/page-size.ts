/** What a browser loads to show the studio. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildPage } from "@protosource-es/studio";
import type { Budget } from "./budget.js";

/** The most that each file may have, in bytes, gzipped. */
const CEILINGS: readonly (readonly [file: string, bytes: number])[] = [
  ["app.js", 30 * 1024],
  ["app.css", 12 * 1024],
  // Loaded by who looks at an export.
  ["engine.js", 115 * 1024],
];

/** Builds the page and compares its files with their ceilings. */
export async function pageBudgets(): Promise<readonly Budget[]> {
  const folder = mkdtempSync(join(tmpdir(), "studio-"));
  try {
    await buildPage(folder);
    return CEILINGS.map(([file, most]) => {
      const { length } = gzipSync(readFileSync(join(folder, "page", file)), { level: 9 });
      return {
        workload: `${file} of the studio's page`,
        promise: `≤ ${most / 1024} KB gzip`,
        measured: `${(length / 1024).toFixed(1)} KB`,
        kept: length <= most,
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
