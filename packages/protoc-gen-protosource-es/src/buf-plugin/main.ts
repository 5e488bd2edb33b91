/** Answers one question of buf, which starts the plugin anew for each. */
import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { protocol: { type: "boolean" }, spec: { type: "boolean" }, format: { type: "string", default: "binary" } },
});

if (values.protocol) {
  // buf asks for it twice in a lint, so that nothing is loaded for it.
  process.stdout.write("1\n");
} else {
  const { answer, specification } = await import("./plugin-rpc.js");
  const isJson = values.format === "json";
  const question = positionals.join(" ");
  process.stdout.write(
    values.spec ? specification(isJson) : await answer(question, await buffer(process.stdin), isJson),
  );
}
