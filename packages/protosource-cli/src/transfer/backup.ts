/** A file that keeps what is about to be taken away: an export, which `import` puts back. */
import type { ScannedRecord } from "protosource-es";
import type { OpaqueRow } from "protosource-es/opaquedata";
import { createTally, endLine, eventLine, HEAD_LINE, rowLine } from "./entries.js";
import { openLineFile } from "./line-file.js";

export interface Backup {
  /** Keeps records and rows, and waits until they are on the disk. */
  keep(records: readonly ScannedRecord[], rows: readonly OpaqueRow[]): void;
  /** Ends the export. Without it only `import --incomplete` takes the file. */
  end(): void;
  close(): void;
}

/** Begins a backup in a file that wasn't there. Throws `invalid_argument` for one that is, or can't be written. */
export function createBackup(path: string): Backup {
  const tally = createTally();
  const file = openLineFile(path, "--backup", "refuse");
  file.write(HEAD_LINE);
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
