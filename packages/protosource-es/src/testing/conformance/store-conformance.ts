import { afterCases } from "./after-cases.js";
import { aggregateCases } from "./aggregate-cases.js";
import { claimCases } from "./claim-cases.js";
import type { ConformanceCase } from "./conformance-case.js";
import { eventsCases } from "./events-cases.js";
import { feedCases } from "./feed-cases.js";
import { opaqueStoreCases } from "./opaque-store-cases.js";
import { positionCases } from "./position-cases.js";
import { restoreCases } from "./restore-cases.js";
import { scanCases } from "./scan-cases.js";
import { storeCases } from "./store-cases.js";
import { tailCases } from "./tail-cases.js";
import { transactionCases } from "./transaction-cases.js";
import { trimCases } from "./trim-cases.js";

/** Every promise of the contracts of a store, each as a case. `runnableCases` binds them to a store. */
export const storeConformance: readonly ConformanceCase[] = [
  ...storeCases,
  ...afterCases,
  ...tailCases,
  ...eventsCases,
  ...transactionCases,
  ...claimCases,
  ...aggregateCases,
  ...opaqueStoreCases,
  ...scanCases,
  ...positionCases,
  ...feedCases,
  ...restoreCases,
  ...trimCases,
];
