/** Runs both engines for as long as Vitest runs the tests that need them. */
import type {} from "vitest";
import type { TestProject } from "vitest/node";
import { startDynamoDBLocal } from "./dynamodb-local.js";
import { startDynoxide } from "./dynoxide.js";
import type { EngineName } from "./engine.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the engines of this run listen. */
    readonly engines: readonly { readonly name: EngineName; readonly endpoint: string }[];
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engines = await Promise.all([startDynamoDBLocal(), startDynoxide()]);
  project.provide(
    "engines",
    engines.map(({ name, endpoint }) => ({ name, endpoint })),
  );
  return async () => {
    await Promise.all(engines.map((engine) => engine.stop()));
  };
}
