/**
 * A server between a client and DynamoDB, or an engine like it, that does to requests what networks and services do to
 * them. For tests on Node; it needs nothing but Node.
 */
export {
  type Fate,
  type FaultProxy,
  type FaultProxyOptions,
  type ProxiedRequest,
  startFaultProxy,
} from "./fault-proxy.js";
export {
  type MappedFunction,
  type MappedRecord,
  type MappingOptions,
  type MappingReport,
  runMapping,
} from "./lambda-mapping.js";
export {
  FAULT_KINDS,
  type FaultKind,
  type RandomFaults,
  type RandomFaultsOptions,
  randomFaults,
} from "./random-faults.js";
