/** A client of an engine's streams. */
import { DynamoDBStreams } from "@aws-sdk/client-dynamodb-streams";

export function streamsClientOf(endpoint: string): DynamoDBStreams {
  return new DynamoDBStreams({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });
}
