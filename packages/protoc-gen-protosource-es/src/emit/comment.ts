/** Doc comments in generated code. */
import type { DescMessage } from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";

/** The lines of the comment before a message in the source. */
export function sourceComment(schema: DescMessage): readonly string[] {
  const text = getComments(schema).leading?.trimEnd();
  return text ? text.split("\n").map((line) => line.replace(/^ /, "").trimEnd()) : [];
}

/** Makes a doc comment of lines of text. */
export function docComment(lines: readonly string[], indentation = ""): string {
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/"));
  if (safe.length === 1) return `${indentation}/** ${safe[0]} */`;
  const body = safe.map((line) => `${indentation} *${line === "" ? "" : ` ${line}`}`);
  return [`${indentation}/**`, ...body, `${indentation} */`].join("\n");
}
