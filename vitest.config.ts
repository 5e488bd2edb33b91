import { configDefaults, defineConfig, type ViteUserConfig } from "vitest/config";

/** The tests that need a running engine; all other tests are pure. */
const withEngines = ["**/test/{conformance,integration}/**/*.test.ts"];

/** The folder of another release of the SDK to test with: see scripts/test-sdk-versions.ts. */
const sdk = process.env["SDK_FOLDER"];

const config: ViteUserConfig = defineConfig({
  // Tests import by public names; this condition leads to the source, so that nothing needs a build.
  ssr: { resolve: { conditions: ["@protosource-es/source", "node"] } },
  resolve: { alias: sdk === undefined ? {} : { "@aws-sdk/client-dynamodb": sdk } },
  test: {
    allowOnly: false,
    // As many as the smallest machine of the gate has processors: half of the tests wait for an engine.
    maxWorkers: 2,
    coverage: { include: ["packages/*/src/**"], exclude: ["**/gen/**"] },
    slowTestThreshold: 5_000,
    // As long as a busy machine may take to come to it.
    expect: { poll: { timeout: 20_000 } },
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["**/test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...withEngines],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "engines",
          include: withEngines,
          globalSetup: "./engines/src/global-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

export default config;
