/** `subjects`: persons of whom something is sealed, and how they are forgotten. */
import type { Command } from "commander";
import type { KeyStatus, KeyStore } from "protosource-es/personal";
import { type Action, type JsonOption, type Register, withExample, withJson } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { counted } from "../format.js";
import { openKeyStore } from "../open-key-store.js";

interface KeysOption extends JsonOption {
  readonly keys?: string;
}

interface ForgetOptions extends KeysOption {
  readonly reason?: string;
}

export function addSubjects(program: Command, register: Register): void {
  const subjects = program.command("subjects").description("forgets persons, and tells who was forgotten");
  const forget = subjects
    .command("forget <subject>")
    .description("erases the key of a person for ever, and with it all personal fields of that person")
    .option("--reason <text>", "why, for whoever looks later; it isn't sealed");
  withExample(withKeys(forget), "protosource subjects forget c-9 --keys sqlite:keys.db --reason 'request 12'");
  register<ForgetOptions>(forget, forgetSubject);
  const show = subjects.command("show <subject>").description("tells whether a person has a key, or was forgotten");
  withExample(withKeys(show), "protosource subjects show c-9 --keys sqlite:keys.db");
  register<KeysOption>(show, showSubject);
}

function withKeys(command: Command): Command {
  return withJson(command).option("--keys <url>", "sqlite:<file>, or dynamodb:?region=…&endpoint=…&keys=…");
}

const forgetSubject: Action<ForgetOptions> = ({ output, signal }, { keys, reason }, subject = "") =>
  useKeys(keys, async (store) => {
    const before = await store.status(subject, { signal });
    const status = await store.erase(subject, { reason, signal });
    if (output.json) await output.value({ subject, ...jsonOf(status) });
    else if (before === undefined) await output.line(`${subject} had no key: nothing was sealed, and nothing will be`);
    else await output.line(lineOf(subject, status));
    return EXIT.ok;
  });

const showSubject: Action<KeysOption> = ({ output, signal }, { keys }, subject = "") =>
  useKeys(keys, async (store) => {
    const status = await store.status(subject, { signal });
    if (output.json) await output.value({ subject, ...(status && jsonOf(status)) });
    else await output.line(status === undefined ? `nothing was ever sealed of ${subject}` : lineOf(subject, status));
    return status === undefined ? EXIT.missing : EXIT.ok;
  });

async function useKeys<T>(url: string | undefined, work: (store: KeyStore) => Promise<T>): Promise<T> {
  if (url === undefined) throw usageError("--keys", "no key store is given: add --keys, such as sqlite:keys.db");
  const { store, close } = await openKeyStore(url);
  try {
    return await work(store);
  } finally {
    close();
  }
}

function lineOf(subject: string, { hasKey, erasedKeys, erasedAt, reason }: KeyStatus): string {
  if (erasedAt === undefined) return `${subject} has a key`;
  const when = new Date(Number(erasedAt / 1000n)).toISOString();
  const why = reason === undefined ? "" : `, because of ${reason}`;
  const since = hasKey ? ", and has a new key since" : "";
  return `${subject} was forgotten at ${when}${why}: ${counted(erasedKeys, "key")} erased${since}`;
}

function jsonOf({ erasedAt, ...status }: KeyStatus): object {
  return { ...status, ...(erasedAt === undefined ? {} : { erasedAt: String(erasedAt) }) };
}
