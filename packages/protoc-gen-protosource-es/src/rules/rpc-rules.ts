/** The rules of what a message says of services: each says it where a service goes by it. */
import { type DescMessage, getOption } from "@bufbuild/protobuf";
import { protosource_es_message } from "protosource-es/proto/protosource_es/options/v1/options_v1_pb.js";
import type { Report } from "../diagnostic.js";
import { type Domain, roleOf } from "../model.js";
import { rpcPath } from "./places.js";

export function checkRpcOptions({ messages, keys }: Domain, report: Report): void {
  const rows = new Set(keys.map(({ schema }) => schema));
  for (const message of messages) {
    const { rpc } = getOption(message, protosource_es_message);
    const role = roleOf(message);
    const isShown = role === "command" || role === "event" || rows.has(message);
    if (rpc?.hidden && !isShown) {
      report(
        "R2",
        { desc: message, path: rpcPath("hidden") },
        `${message.name} is hidden, and no service shows it: it is neither a command nor an event, and has no row`,
        "remove the option",
      );
    }
    if (rpc?.returnsAggregate) checkReturnsAggregate(message, role === "command", rpc.hidden, report);
  }
}

function checkReturnsAggregate(message: DescMessage, isCommand: boolean, isHidden: boolean, report: Report): void {
  if (isCommand && !isHidden) return;
  report(
    "R2",
    { desc: message, path: rpcPath("returnsAggregate") },
    `${message.name} has "returns_aggregate", and ${isCommand ? "is hidden, so that no rpc answers it" : "is no command"}`,
    isCommand ? "remove one of the two" : "remove the option",
  );
}
