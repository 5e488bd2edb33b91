/**
 * Writes where the packages come from into the manifests of those that are published: `repository`, `homepage` and
 * `bugs`. The address is the first argument, such as `https://github.com/owner/name`; without one, it is that of the
 * repository that a workflow runs in. Provenance is proved only for a package that names the repository that published
 * it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
const given = process.argv[2] ?? (repository ? `${server ?? "https://github.com"}/${repository}` : "");
const address = /^https:\/\/[^/]+\/[^/]+\/[^/]+?(?=(?:\.git|\/)?$)/.exec(given)?.[0];
if (address === undefined) {
  console.error(`${JSON.stringify(given)} is no address of a repository: give one like https://github.com/owner/name`);
  process.exitCode = 1;
} else {
  for (const folder of readdirSync("packages")) setRepository(`packages/${folder}`, address);
}

function setRepository(directory: string, address: string): void {
  const path = `${directory}/package.json`;
  const { name, version, description, repository, homepage, bugs, ...rest } = JSON.parse(readFileSync(path, "utf8"));
  if (rest.private) return;
  const manifest = {
    name,
    version,
    description,
    homepage: `${address}/tree/main/${directory}#readme`,
    bugs: { url: `${address}/issues` },
    repository: { type: "git", url: `git+${address}.git`, directory },
    ...rest,
  };
  writeFileSync(path, `${JSON.stringify(manifest, undefined, 2)}\n`);
}
