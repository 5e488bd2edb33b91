/** The names under which the stores are reported. The first of each kind is the floor. */
export const FLOOR = "plain SDK";
export const FLOOR_AGAIN = "plain SDK again";
export const FLOOR_JSON = "plain SDK, JSON";
export const OURS = "protosource-es";
export const PACKED = "protosource-es, packed";
export const OURS_PLAIN = "protosource-es, fast path off";
export const EMMETT = "emmett-sqlite";
export const EMMETT_AGAIN = "emmett-sqlite again";
export const SQLITE = "SqliteStore";
