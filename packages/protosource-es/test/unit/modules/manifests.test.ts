/** What a registry shows of the packages, and where their manifests say that they come from. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../../..", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const packages = readdirSync(join(root, "packages"));
const published = packages.filter((name) => {
  return !JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")).private;
});

describe.each(published)("the package %s", (name) => {
  const folder = join(root, "packages", name);

  test("has what its page shows, and is published by all for all", () => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    expect(manifest).toMatchObject({ name, license: "MIT", publishConfig: { access: "public", provenance: true } });
    expect(manifest.keywords.length).toBeGreaterThan(4);
    expect(readFileSync(join(folder, "README.md"), "utf8")).toMatch(new RegExp(`^# ${name}\n`));
    expect(existsSync(join(folder, "LICENSE"))).toBe(true);
  });

  test("has the types of each export also where TypeScript doesn't read exports", () => {
    const { exports, typesVersions } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const types = Object.entries<{ types?: string }>(exports ?? {}).flatMap(([path, { types }]) =>
      path === "." || types === undefined ? [] : [[path.slice("./".length), [types]]],
    );
    expect(typesVersions?.["*"] ?? {}).toEqual(Object.fromEntries(types));
  });
});

describe("set:repository", () => {
  let copy: string;
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "protosource-manifests-"));
    for (const name of packages) {
      cpSync(join(root, "packages", name, "package.json"), join(copy, "packages", name, "package.json"));
    }
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  const manifests = () =>
    packages.map((name) => JSON.parse(readFileSync(join(copy, "packages", name, "package.json"), "utf8")));
  const setRepository = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    execFileSync(process.execPath, [`--import=${tsx}`, join(root, "scripts/set-repository.ts"), ...args], {
      cwd: copy,
      env: { ...process.env, GITHUB_SERVER_URL: "", GITHUB_REPOSITORY: "", ...env },
      stdio: "pipe",
      encoding: "utf8",
    });

  test.each([
    ["an argument", {}, ["https://github.com/owner/name.git"]],
    ["a workflow", { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "owner/name" }, []],
  ])("writes the address of %s into every manifest that is published, and leaves the rest", (_, env, args) => {
    const before = manifests();
    setRepository(env, ...args);
    expect(manifests()).toEqual(
      before.map((manifest) =>
        manifest.private
          ? manifest
          : {
              ...manifest,
              homepage: `https://github.com/owner/name/tree/main/packages/${manifest.name}#readme`,
              bugs: { url: "https://github.com/owner/name/issues" },
              repository: {
                type: "git",
                url: "git+https://github.com/owner/name.git",
                directory: `packages/${manifest.name}`,
              },
            },
      ),
    );
  });

  test.each([[[]], [["owner/name"]], [["https://github.com/owner"]]])("refuses %j, and writes nothing", (args) => {
    const before = manifests();
    expect(() => setRepository({}, ...args)).toThrow(/give one like/);
    expect(manifests()).toEqual(before);
  });
});
