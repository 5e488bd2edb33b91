/** Every diagnostic of a set of files. */
import { compareDiagnostics, type Diagnostic, diagnostic, type Report } from "./diagnostic.js";
import type { Domain } from "./model.js";
import { checkAggregate, checkProjections, checkSnapshot } from "./rules/aggregate-rules.js";
import { checkCommands } from "./rules/command-rules.js";
import { checkEvents } from "./rules/event-rules.js";
import { checkFile, checkNotEnabled, checkPackages } from "./rules/file-rules.js";
import { checkFlow } from "./rules/flow-rules.js";
import { checkSharedWithGo } from "./rules/go-rules.js";
import { checkKeys } from "./rules/key-rules.js";
import { checkNames } from "./rules/name-rules.js";
import { checkPersonal } from "./rules/personal-rules.js";
import { checkRpcOptions } from "./rules/rpc-rules.js";
import { WARNINGS } from "./rules/rule-ids.js";
import { checkStates } from "./rules/state-rules.js";

/** What is wrong with the files, all of it, each list in the order of the sources. */
export interface Findings {
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

/**
 * Checks the files that code is asked for. `known` are all files of the request: an enabled one that is only imported
 * counts where files are compared with each other.
 */
export function validate(
  asked: readonly Domain[],
  known: readonly Domain[],
  { sharedWithGo }: { readonly sharedWithGo: boolean },
): Findings {
  const found: Diagnostic[] = [];
  const report: Report = (rule, place, problem, remedy) => {
    found.push(diagnostic(rule, place, remedy === undefined ? problem : `${problem}; ${remedy}`));
  };
  for (const domain of asked) {
    if (domain.enabled) checkDomain(domain, report);
    else checkNotEnabled(domain, report);
    if (domain.enabled && sharedWithGo) checkSharedWithGo(domain, report);
  }
  checkPackages(asked, known, report);
  found.sort(compareDiagnostics);
  const isWarning = ({ rule }: Diagnostic): boolean => rule in WARNINGS;
  return { errors: found.filter((d) => !isWarning(d)), warnings: found.filter(isWarning) };
}

function checkDomain(domain: Domain, report: Report): void {
  checkFile(domain, report);
  checkAggregate(domain, report);
  checkCommands(domain, report);
  checkEvents(domain, report);
  checkFlow(domain, report);
  checkStates(domain, report);
  checkSnapshot(domain, report);
  checkProjections(domain, report);
  checkKeys(domain, report);
  checkPersonal(domain, report);
  checkRpcOptions(domain, report);
  checkNames(domain, report);
}
