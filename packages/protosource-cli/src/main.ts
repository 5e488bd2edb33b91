/** The entry of the command `protosource`. */
import { setMaxListeners } from "node:events";
import { EXIT } from "./exit-codes.js";
import { run } from "./run.js";

// The SDK warns at every start on Node 20, which is for this package to follow and not for its users.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const controller = new AbortController();
// Each request that is under way listens.
setMaxListeners(0, controller.signal);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Whoever insists doesn't want to wait for what is under way.
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  });
}
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  // A reader such as head may have had enough.
  if (code === "EPIPE") process.exit(EXIT.ok);
  process.stderr.write(`protosource: standard output can't be written (${code}): make room for it\n`);
  process.exit(EXIT.unavailable);
});

/** How long a reader may take what an interrupted command has printed, in milliseconds. */
const LAST_WRITES_MS = 500;

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
});
// What is printed keeps the process until it is read.
if (controller.signal.aborted) setTimeout(() => process.exit(), LAST_WRITES_MS).unref();
