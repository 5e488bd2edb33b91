/** What the command ends with. Scripts decide by these, so that they never change. */
export const EXIT = {
  /** It did what it was asked to. */
  ok: 0,
  /** It failed in a way that nobody thought of. */
  bug: 1,
  /** The command line, or a file that it names, is wrong; nothing was done. */
  usage: 2,
  /** It looked, and found something wrong: in a stream, in a table, in an aggregate. */
  found: 3,
  /** What it was asked for isn't there: a stream, a row, a table, a database. */
  missing: 4,
  /** The store can't be reached, or doesn't answer for now: the same call may work later. */
  unavailable: 5,
  /** Credentials or permissions are missing. */
  denied: 6,
  /** Something else is stored where this should go. */
  conflict: 7,
  /** It was interrupted. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
