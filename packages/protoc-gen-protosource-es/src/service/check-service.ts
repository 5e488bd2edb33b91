/** The rule of a service: what it makes has names that nothing else has. */
import type { Report } from "../diagnostic.js";
import type { ServiceModel } from "./service-model.js";

export function checkService({ domain, name, rpcs, messages }: ServiceModel, report: Report): void {
  const { file } = domain;
  const topLevel = new Map([...file.messages, ...file.enums].map((desc) => [desc.name, desc]));
  for (const made of [name, ...messages.map((message) => message.name)]) {
    const desc = topLevel.get(made);
    if (desc === undefined) continue;
    report("R1", desc, `${desc.toString()} has the name of a part of the service ${name}`, "rename it");
  }
  for (const command of domain.commands) {
    if (rpcs.filter((rpc) => rpc.name === command.schema.name).length < 2) continue;
    report("R1", command.schema, `${command.schema.name} has the name of another rpc of ${name}`, "rename it");
  }
}
