/** What a service does: one call for each of its rpcs, which all protocols share. */
import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";

/** Who calls, and on what conditions. */
export interface CallContext {
  /** Who acts. */
  readonly actor: string;
  /** Tells whether the caller may see a row, or an aggregate. He may see all without it. */
  readonly sees: ((message: Message) => boolean) | undefined;
  /** The version that the aggregate of a command has to be at, 0 for none. */
  readonly expectedVersion: bigint | undefined;
  /** Names the command, so that sending it again has no effect. */
  readonly commandId: string | undefined;
  readonly signal: AbortSignal;
}

/** What came of a call. */
export interface CallAnswer {
  readonly message: Message;
  /** The version of the one aggregate that the answer is about. */
  readonly version?: bigint | undefined;
  /** The events of a history, as they are without an envelope. */
  readonly events?: readonly Message[];
  /** Whether a command of the same id was carried out before. */
  readonly replayed?: boolean;
}

/** One rpc, bound to what does it. */
export interface Call {
  readonly method: DescMethod;
  /** What is authorized: the package and the rpc, such as `example.app.order.v1.Place`. */
  readonly name: string;
  /** Whether it changes nothing. */
  readonly read: boolean;
  /** What it does, as the protocols of plain paths name it. */
  readonly kind: "apply" | "get" | "load" | "history" | "select";
  /** Whether it answers page by page. */
  readonly paged: boolean;
  /** The row or the aggregate that is read. */
  readonly schema: DescMessage;
  /** The index that is read by `select`. */
  readonly index: number;
  /** The scope in which the ids of its commands are unique. */
  readonly commandScope: string | undefined;
  run(request: Message, context: CallContext): Promise<CallAnswer>;
}
