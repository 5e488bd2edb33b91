/** Handlers of requests on Node's own servers, and all that is built on them. */
export { type NodeListener, type NodeListenerOptions, nodeListener } from "./node-listener.js";
