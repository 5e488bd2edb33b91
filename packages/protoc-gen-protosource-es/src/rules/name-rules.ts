/** The rules of names: the generated code exports each once, and finds commands and events by theirs. */
import type { AnyDesc } from "@bufbuild/protobuf";
import type { Report } from "../diagnostic.js";
import { exportedNames } from "../emit/names.js";
import type { Domain } from "../model.js";

/** The words that protoc-gen-es writes as they are, and TypeScript then refuses. It escapes all others. */
const REFUSED: ReadonlySet<string> = new Set(
  "any as await infer keyof never readonly symbol undefined unique unknown".split(" "),
);

export function checkNames(domain: Domain, report: Report): void {
  const owners = new Map<string, AnyDesc>();
  for (const { name, desc } of exportedNames(domain)) {
    const owner = owners.get(name);
    if (owner === undefined) owners.set(name, desc);
    else if (owner !== desc) {
      report(
        "N1",
        desc,
        `${desc.toString()} and ${owner.toString()} both make the name "${name}" in the generated code`,
        "rename one",
      );
    }
  }
  for (const { schema } of [...domain.commands, ...domain.events, ...domain.retired]) {
    if (schema.name in {}) {
      report(
        "N2",
        schema,
        `every JavaScript object has a property "${schema.name}", so that no command and no event can be called so`,
        `rename it, such as to "${upperFirst(schema.name.replace(/^_+/, ""))}"`,
      );
    }
  }
  for (const { members } of domain.messages) {
    for (const member of members) {
      // What an object inherits is taken for a value that it was given.
      if (!(member.localName in {})) continue;
      report(
        "N4",
        member,
        `${member.name} of ${member.parent.name} is "${member.localName}" in TypeScript, a property that every object has, so that no such message could be made`,
        "rename it",
      );
    }
  }
  for (const desc of [...domain.messages, ...domain.enums]) {
    if (desc.parent !== undefined || !REFUSED.has(desc.name)) continue;
    report("N3", desc, `no type in TypeScript can be called "${desc.name}"`, `rename ${desc.toString()}`);
  }
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
