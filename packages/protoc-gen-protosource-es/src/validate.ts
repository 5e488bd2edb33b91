/** Every diagnostic of a set of files. */
import type { DescFile } from "@bufbuild/protobuf";
import { compareDiagnostics, type Diagnostic, diagnostic, type Report } from "./diagnostic.js";
import { readDomain } from "./model.js";
import { checkAggregate, checkProjections, checkSnapshot } from "./rules/aggregate-rules.js";
import { checkCommands } from "./rules/command-rules.js";
import { checkEvents } from "./rules/event-rules.js";
import { checkFile, checkNotEnabled, checkPackages } from "./rules/file-rules.js";
import { checkKeys } from "./rules/key-rules.js";
import { checkNames } from "./rules/name-rules.js";
import { WARNINGS } from "./rules/rule-ids.js";

/** What is wrong with the files, all of it, each list in the order of the sources. */
export interface Findings {
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

/**
 * Checks the files that code is generated for. `known` are all files of the request: an enabled one that is only
 * imported counts where files are compared with each other.
 */
export function validate(files: readonly DescFile[], known: readonly DescFile[]): Findings {
  const found: Diagnostic[] = [];
  const report: Report = (rule, place, problem, remedy) => {
    found.push(diagnostic(rule, place, remedy === undefined ? problem : `${problem}; ${remedy}`));
  };
  for (const file of files) {
    const domain = readDomain(file);
    if (!domain.enabled) {
      checkNotEnabled(domain, report);
      continue;
    }
    checkFile(domain, report);
    checkAggregate(domain, report);
    checkCommands(domain, report);
    checkEvents(domain, report);
    checkSnapshot(domain, report);
    checkProjections(domain, report);
    checkKeys(domain, report);
    checkNames(domain, report);
  }
  const enabled = (file: DescFile): boolean => readDomain(file).enabled;
  checkPackages(files.filter(enabled), known.filter(enabled), report);
  found.sort(compareDiagnostics);
  const isWarning = ({ rule }: Diagnostic) => rule in WARNINGS;
  return { errors: found.filter((d) => !isWarning(d)), warnings: found.filter(isWarning) };
}
