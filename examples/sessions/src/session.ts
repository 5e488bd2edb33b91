/** The hand-written part of a session: who is refused, what time does, and what follows from the rest. */
import { isMessage } from "@bufbuild/protobuf";
import { LogOutSchema, RevokeSchema } from "../gen/example/app/session/v1/session_v1_pb.js";
import { defineSession, type SessionAggregate } from "../gen/example/app/session/v1/session_v1_protosource.js";

const SECOND = 1_000_000n;

/** As `event_ttl_seconds` says: an annotation can't be computed with, so it is here a second time, and tested. */
const LIFETIME = 28_800n * SECOND;

/** How long a one-time code counts. */
const CONFIRMATION = 300n * SECOND;

/** A session that was seen within the last minute isn't written again. */
const PRECISION = 60n * SECOND;

/** What a session asks of the rest of the system. */
export interface SessionDependencies {
  /** Tells whether all sessions of a user are void. */
  isBanned(userId: string, options: { readonly signal: AbortSignal | undefined }): Promise<boolean>;
  /** Tells whether a one-time code is the user's, and fresh. */
  isCodeOf(userId: string, code: string, options: { readonly signal: AbortSignal | undefined }): Promise<boolean>;
}

/** Refuses a user whose sessions are void. */
export class UserBanned extends Error {
  override readonly name = "UserBanned";

  constructor(userId: string) {
    super(`${userId} is banned`);
  }
}

/** Refuses a one-time code. */
export class WrongCode extends Error {
  override readonly name = "WrongCode";

  constructor() {
    super("the code is wrong or too old");
  }
}

/** Defines sessions on top of what they depend on. */
export function sessionAggregate({ isBanned, isCodeOf }: SessionDependencies): SessionAggregate {
  return defineSession({
    async guard(session, command, { signal }) {
      if (isMessage(command, LogOutSchema) || isMessage(command, RevokeSchema)) return;
      const userId = session.version === 0n ? command.actor : session.userId;
      if (await isBanned(userId, { signal })) throw new UserBanned(userId);
    },
    evaluate: {
      LogIn: (_session, { actor }, { now }) => ({ proceed: { LoggedIn: { userId: actor, lastSeenAt: now } } }),
      See: ({ lastSeenAt }, _command, { now }) =>
        now - lastSeenAt < PRECISION ? "skip" : { proceed: { Seen: { lastSeenAt: now } } },
      async Confirm({ userId }, { code }, { now, signal }) {
        if (!(await isCodeOf(userId, code, { signal }))) throw new WrongCode();
        return { proceed: { Confirmed: { lastSeenAt: now, confirmedUntil: now + CONFIRMATION } } };
      },
    },
    afterOn(session) {
      session.expiresAt = session.createAt + LIFETIME;
    },
  });
}
