/** Doc comments in generated code. */

/** Makes a doc comment of lines of text. */
export function docComment(lines: readonly string[], indentation = ""): string {
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/"));
  if (safe.length === 1) return `${indentation}/** ${safe[0]} */`;
  const body = safe.map((line) => `${indentation} *${line === "" ? "" : ` ${line}`}`);
  return [`${indentation}/**`, ...body, `${indentation} */`].join("\n");
}
