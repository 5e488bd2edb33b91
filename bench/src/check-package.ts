/** Fails when the package of the command line outgrows its ceiling. It looks at what was built. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { budgetTable } from "./budget.js";

/** 60 KB more than before the studio was in it. */
const CEILING = (296 + 60) * 1000;

const folder = fileURLToPath(new URL("../../packages/protosource-cli", import.meta.url));
const packed = execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: folder, encoding: "utf8" });
const [{ size }] = JSON.parse(packed) as [{ readonly size: number }];
const kept = size <= CEILING;
console.log(
  budgetTable([
    {
      workload: "package of the command line, with the studio",
      promise: `≤ ${CEILING / 1000} KB`,
      measured: `${(size / 1000).toFixed(0)} KB`,
      kept,
    },
  ]),
);
if (!kept) process.exitCode = 1;
