import { createRequire } from "node:module";
import { type Engine, startEngine } from "./engine.js";

/** Starts Dynoxide, empty. It is published for Linux on x64 only; elsewhere this throws. */
export async function startDynoxide(): Promise<Engine> {
  return startEngine("dynoxide", dynoxideBinary(), (port) => ["serve", "--host", "127.0.0.1", "--port", String(port)]);
}

function dynoxideBinary(): string {
  try {
    return createRequire(import.meta.url).resolve("@dynoxide/linux-x64/dynoxide");
  } catch (cause) {
    const here = `${process.platform}-${process.arch}`;
    throw new Error(
      here === "linux-x64"
        ? "The optional package @dynoxide/linux-x64 is not installed. Run npm ci without --omit=optional."
        : `Dynoxide is published for linux-x64 only, and this is ${here}. Run the tests on linux-x64.`,
      { cause },
    );
  }
}
