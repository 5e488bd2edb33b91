/** Starts and ends real engines that speak DynamoDB, in memory and on the loopback interface only. */
export { startDynamoDBLocal } from "./dynamodb-local.js";
export { startDynoxide } from "./dynoxide.js";
export { type Engine, type EngineName, engineClient } from "./engine.js";
export { ensureJava } from "./java.js";
