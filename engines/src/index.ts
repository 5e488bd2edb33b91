/**
 * What tests run on. It starts and ends real engines that speak DynamoDB, in memory, and finds a browser. Dynoxide listens
 * on the loopback interface only. DynamoDB Local has no option for that: it listens on all interfaces, for whoever reaches
 * its port while it runs.
 */
export { type Chromium, ensureChromium } from "./chromium.js";
export { type DynamoDBLocalOptions, startDynamoDBLocal } from "./dynamodb-local.js";
export { startDynoxide } from "./dynoxide.js";
export { type Engine, type EngineName, engineClient } from "./engine.js";
export { ensureJava } from "./java.js";
