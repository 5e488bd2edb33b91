import { KEY_ATTRIBUTES } from "protosource-es/model";
import { isoSeconds } from "./format.js";
import { type Output, prettyJson, printable } from "./output.js";
import type { RowView } from "./row-view.js";

/** Prints a row: its keys, its message, and what it says of itself. */
export async function printRow(output: Output, { row, json, problem }: RowView): Promise<void> {
  const keys = Object.fromEntries(
    KEY_ATTRIBUTES.filter((name) => name !== "pk" && name !== "sk" && row[name] !== "").map((name) => [
      name,
      row[name],
    ]),
  );
  const expires = row.t === 0n ? undefined : isoSeconds(row.t);
  if (output.json) {
    await output.value({
      pk: row.pk,
      sk: row.sk,
      version: row.version,
      expires,
      bytes: row.body.length,
      message: json,
      raw: json === undefined ? row.body : undefined,
      problem,
      keys,
    });
    return;
  }
  await output.line(output.style("bold", printable(`${row.pk}  ${row.sk}`)));
  const version = row.version === 0n ? "no version" : `version ${row.version}`;
  await output.line(
    `${version}, ${row.body.length} bytes, ${expires === undefined ? "never expires" : `expires ${expires}`}`,
  );
  for (const [name, key] of Object.entries(keys)) await output.line(output.style("dim", printable(`${name} ${key}`)));
  if (json !== undefined) await output.line(prettyJson(json));
  if (problem !== undefined) await output.line(output.style("red", printable(problem)));
}
