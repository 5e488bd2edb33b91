/** The longest partition key in bytes, of a table and of an index. A limit of DynamoDB's. */
export const MAX_PARTITION_KEY_BYTES = 2048;

/** The longest sort key in bytes, of a table and of an index. A limit of DynamoDB's. */
export const MAX_SORT_KEY_BYTES = 1024;
