/** A file that lines are written to. It is written in large pieces, and synchronously: what was flushed is in the file. */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { cantWrite } from "../cant-write.js";

export interface LineFile {
  write(line: string): void;
  /** Writes what is still in memory. */
  flush(): void;
  /** Writes what is still in memory, and waits until it is on the disk. */
  sync(): void;
  close(): void;
}

const PIECE_LENGTH = 1024 * 1024;

/** What is done with a file that is there: it is emptied, gone on with, or left alone. */
export type ExistingFile = "replace" | "append" | "refuse";

const FLAGS: Readonly<Record<ExistingFile, string>> = { replace: "w", append: "a", refuse: "wx" };

/**
 * Opens a file for lines, a new one unless `existing` says otherwise of one that is there.
 *
 * Throws `invalid_argument` when it can't be written, and `unavailable` when there is no room; `argument` names the
 * option that named the file.
 */
export function openLineFile(path: string, argument: string, existing: ExistingFile = "replace"): LineFile {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw cantWrite(argument, path, cause);
    }
  };
  const file = attempt(() => openSync(path, FLAGS[existing]));
  let piece: string[] = [];
  let length = 0;
  const flush = (): void => {
    if (piece.length > 0) attempt(() => writeFully(file, Buffer.from(piece.join(""))));
    piece = [];
    length = 0;
  };
  return {
    write(line) {
      piece.push(line, "\n");
      length += line.length;
      if (length >= PIECE_LENGTH) flush();
    },
    flush,
    sync() {
      flush();
      attempt(() => fsyncSync(file));
    },
    close() {
      closeSync(file);
    },
  };
}

function writeFully(file: number, data: Buffer): void {
  for (let written = 0; written < data.length; ) written += writeSync(file, data, written);
}
