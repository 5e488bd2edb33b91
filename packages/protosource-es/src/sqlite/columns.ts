/**
 * How columns are read. In a damaged file any of them may hold anything, and libsql ends the whole process at a text that
 * isn't UTF-8: so texts and bytes are asked for as bytes, and numbers as numbers.
 *
 * A result has the name of its column. ORDER BY needs the table's name before it, or it would sort by the result, which no
 * index helps with.
 */

/** Gives the result that holds a column of texts or bytes as bytes. */
export function asBytes(column: string): string {
  return `CAST(${column} AS BLOB) AS ${column}`;
}

/** Gives the result that holds a column of whole numbers as one. */
export function asInteger(column: string): string {
  return `ifnull(CAST(${column} AS INTEGER), 0) AS ${column}`;
}
