/** The doorbells in an event that AWS Lambda's event source mapping calls a function with. */
import type { Doorbell } from "../store/doorbell.js";
import { doorbellOf } from "./change-doorbells.js";
import type { ChangeRecord } from "./streams-client.js";

/** A record of an event of AWS Lambda: of DynamoDB Streams, or of a Kinesis stream that a table writes its changes to. */
export interface LambdaRecord extends ChangeRecord {
  readonly kinesis?: { readonly data: string; readonly sequenceNumber: string } | undefined;
}

/** An event of AWS Lambda. */
export interface LambdaEvent {
  readonly Records?: readonly LambdaRecord[] | undefined;
}

/** A doorbell, and the record that it was. */
export interface LambdaDoorbell extends Doorbell {
  /** By which a response names the record. */
  readonly sequenceNumber: string;
}

/** Gives the doorbells of an event, in its order. What isn't a change of an events table rings nothing. */
export function doorbellsOf({ Records = [] }: LambdaEvent): readonly LambdaDoorbell[] {
  return Records.flatMap((record) => {
    const change = record.kinesis === undefined ? record : changeIn(record.kinesis.data);
    const doorbell = change && doorbellOf(change);
    const sequenceNumber = record.kinesis?.sequenceNumber ?? record.dynamodb?.SequenceNumber ?? "";
    return doorbell === undefined ? [] : { ...doorbell, sequenceNumber };
  });
}

/** Reads a change that DynamoDB wrote to Kinesis: JSON, in base64. Others may write there too. */
function changeIn(data: string): ChangeRecord | undefined {
  try {
    const change: unknown = JSON.parse(Buffer.from(data, "base64").toString());
    return typeof change === "object" && change !== null ? change : undefined;
  } catch {
    return undefined;
  }
}
