/**
 * Fails when the bundle of the store and the core outgrows its ceiling, what a handler adds to it, what the command line
 * starts with, or the page of the studio. Times are the bench's: a busy machine has others.
 */
import { budgetTable } from "./budget.js";
import { pageBudgets } from "./page-size.js";
import { bundleBudget, handlerBudget, measureBundles, PROMISED } from "./size.js";
import { startBudgets } from "./start-size.js";

/** What was reached so far, in bytes; the bench tells how far that is from what is promised. */
const REACHED = 54 * 1024;

const sizes = await measureBundles();
const budgets = [
  bundleBudget(sizes.service, REACHED),
  handlerBudget(sizes, PROMISED.handlerGzipBytes),
  ...(await startBudgets()),
  ...(await pageBudgets()),
];
console.log(budgetTable(budgets));
if (!budgets.every(({ kept }) => kept)) process.exitCode = 1;
