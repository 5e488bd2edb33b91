/** Fails when the bundle or the import of the store and the core outgrows its ceiling. */
import { budgetTable } from "./budget.js";
import { type Ceilings, measureSize, sizeBudgets } from "./size.js";

/** What was reached so far; the bench tells how far that is from what is promised. */
const REACHED: Ceilings = { gzipBytes: 33 * 1024, importMs: 60 };

const size = await measureSize();
// The least of many imports: whatever else the machine does only adds to it.
const all = sizeBudgets(size, size.leastImportMs, REACHED);
console.log(budgetTable(all));
if (!all.every(({ kept }) => kept)) process.exitCode = 1;
