/** A file that keeps what is about to be taken away: an export, which `import` puts back. */
import { existsSync, renameSync } from "node:fs";
import type { ScannedRecord } from "protosource-es";
import type { OpaqueRow } from "protosource-es/opaquedata";
import { usageError } from "../failure.js";
import { createTally, endLine, eventDigest, eventLine, headLine, rowLine } from "./entries.js";
import { type ExistingFile, openLineFile } from "./line-file.js";
import { checkExport } from "./read-export.js";
import { readLines } from "./read-lines.js";

export interface Backup {
  /** Keeps records and rows, and waits until they are on the disk. */
  keep(records: readonly ScannedRecord[], rows: readonly OpaqueRow[]): void;
  /** Ends the export. Without it only `import --incomplete` takes the file. */
  end(): void;
  close(): void;
}

interface BackupOptions {
  /** What is done with a file that is there. By default it is refused. */
  readonly existing?: ExistingFile | undefined;
  /** The event that follows what is kept, and stays. */
  readonly follower?: ScannedRecord | undefined;
}

/** Begins a backup in a file. Throws `invalid_argument` for one that is there, or can't be written. */
export function createBackup(path: string, { existing = "refuse", follower }: BackupOptions = {}): Backup {
  const tally = createTally();
  const file = openLineFile(path, "--backup", existing);
  file.write(headLine(follower && eventDigest(follower)));
  return {
    keep(records, rows) {
      for (const scanned of records) {
        const line = eventLine(scanned);
        tally.add(line, scanned.record.data.length, "event");
        file.write(line);
      }
      for (const row of rows) {
        const line = rowLine(row);
        tally.add(line, row.body.length, "row");
        file.write(line);
      }
      file.sync();
    },
    end() {
      file.write(endLine(tally.totals()));
      file.sync();
    },
    close: () => file.close(),
  };
}

/**
 * Keeps records and rows in a file, or sees that one of an earlier call keeps them all: then that call was interrupted, and
 * this one goes on. The file is there only once it is whole. `follower` is the event behind them, which stays.
 *
 * Throws `invalid_argument` for a file that is damaged, or lacks something of it.
 */
export async function keepOnce(
  path: string,
  records: readonly ScannedRecord[],
  rows: readonly OpaqueRow[],
  signal: AbortSignal,
  follower?: ScannedRecord,
): Promise<void> {
  if (existsSync(path)) return checkKept(path, [...records.map(eventLine), ...rows.map(rowLine)], signal);
  const part = `${path}.part`;
  const file = createBackup(part, { existing: "replace", follower });
  try {
    file.keep(records, rows);
    file.end();
  } finally {
    file.close();
  }
  renameSync(part, path);
}

async function checkKept(path: string, lines: readonly string[], signal: AbortSignal): Promise<void> {
  await checkExport(path, false, () => {}, signal);
  const missing = new Set(lines);
  for await (const { text } of readLines(path, undefined, signal)) missing.delete(text);
  if (missing.size === 0) return;
  throw usageError(
    "--backup",
    `${path} is there, and lacks ${missing.size} of the events and rows that are to be taken away: give a new file`,
  );
}
