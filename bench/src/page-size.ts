/** What a browser loads to show the studio. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildPage } from "@protosource-es/studio";
import { buildPlayground } from "@protosource-es/studio/playground";
import type { Budget } from "./budget.js";

/** The most that each file may have, in bytes, gzipped. */
const CEILINGS: readonly (readonly [file: string, bytes: number])[] = [
  ["app.js", 30 * 1024],
  ["app.css", 12 * 1024],
  // Loaded by who looks at an export.
  ["engine.js", 100 * 1024],
];

/** The most that the playground may have: the page, the engine and a domain, with the run time of protobuf. */
const PLAYGROUND_CEILING = 165 * 1024;

/** Builds the page and the playground, and compares their files with their ceilings. */
export async function pageBudgets(): Promise<readonly Budget[]> {
  const folder = mkdtempSync(join(tmpdir(), "studio-"));
  const playground = join(folder, "playground");
  try {
    await buildPage(folder);
    await buildPlayground(playground);
    const all = readdirSync(playground).map((file) => join(playground, file));
    return [
      ...CEILINGS.map(([file, most]) => budgetOf(`${file} of the studio's page`, [join(folder, "page", file)], most)),
      budgetOf("all files of the playground", all, PLAYGROUND_CEILING),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function budgetOf(workload: string, files: readonly string[], most: number): Budget {
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
  return {
    workload,
    promise: `≤ ${most / 1024} KB gzip`,
    measured: `${(bytes / 1024).toFixed(1)} KB`,
    kept: bytes <= most,
  };
}
