/** What emitters write to: one generated file, in TypeScript, in JavaScript or as declarations. */
import type { DescEnum, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Target } from "@bufbuild/protoplugin";

export interface Output {
  readonly target: Target;
  /** Adds a line. */
  print(line?: string): void;
  /** The type of a message or enum: `pb.Order`. */
  shape(schema: DescMessage | DescEnum): string;
  /** The descriptor of a message or enum: `pb.OrderSchema`. */
  schema(schema: DescMessage | DescEnum): string;
}

export function outputOf(file: GeneratedFile, target: Target): Output {
  return {
    target,
    print: (line = "") => file.print(line),
    shape: (desc) => `pb.${file.importShape(desc).name}`,
    schema: (desc) => `pb.${file.importSchema(desc).name}`,
  };
}

export interface Parameter {
  readonly name: string;
  readonly type: string;
  readonly optional?: boolean;
}

/** A function, a method or a constructor. */
export interface Callable {
  /** All before the parameters: `export function defineOrder`. */
  readonly head: string;
  readonly parameters: readonly Parameter[];
  /** The type of the result; none for a constructor. */
  readonly result?: string;
  /** Its only statement. */
  readonly body: string;
  readonly indentation?: string;
}

/** Prints a function: with a body and types, without types, or without a body. */
export function printCallable({ head, parameters, result, body, indentation = "" }: Callable, output: Output): void {
  const { target, print } = output;
  const types = result === undefined || target === "js" ? "" : `: ${result}`;
  const end = `)${types}${target === "dts" ? ";" : " {"}`;
  const list = parameters.map((parameter) => parameterText(parameter, output));
  const line = `${indentation}${head}(${list.join(", ")}${end}`;
  if (line.length <= 120) {
    print(line);
  } else {
    print(`${indentation}${head}(`);
    for (const parameter of list) print(`${indentation}  ${parameter},`);
    print(`${indentation}${end}`);
  }
  if (target === "dts") return;
  print(`${indentation}  ${body}`);
  print(`${indentation}}`);
}

export function parameterText({ name, type, optional }: Parameter, { target }: Output): string {
  return target === "js" ? name : `${name}${optional ? "?" : ""}: ${type}`;
}

/** `export` and what a declaration without a value needs. */
export function exported({ target }: Output): string {
  return target === "dts" ? "export declare" : "export";
}
