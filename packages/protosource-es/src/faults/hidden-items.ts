/** Transactions of which a Query sees only a part, as it may while DynamoDB carries one out. */

/** A body of DynamoDB's protocol. */
export type Body = Readonly<Record<string, unknown>>;

type Item = Readonly<Record<string, { readonly S?: string; readonly N?: string }>>;

/** What is hidden at the moment. */
export interface HiddenItems {
  /**
   * Carries a transaction out, and hides those of its events for which `hides` is true until `done` is called. A
   * transaction that is refused, or was sent before, hides nothing.
   */
  write<A extends { readonly status: number }>(
    sent: Body,
    hides: (index: number) => boolean,
    carryOut: () => Promise<A>,
  ): Promise<{ readonly answer: A; readonly done: () => void }>;
  /** Waits until it is known what a Query may see, and leaves what is hidden out of its answer. */
  read<A extends { readonly status: number; readonly body: string }>(
    sent: Body,
    carryOut: () => Promise<A>,
  ): Promise<A>;
  /** Carries another request out, and holds its answer back while it tells of an event that is hidden. */
  other<A>(sent: Body, carryOut: () => Promise<A>): Promise<A>;
}

interface Hidden {
  readonly stream: string;
  readonly version: string;
  /** Ends when the event is shown. */
  readonly shown: Promise<void>;
}

/** Makes an empty set of hidden items. */
export function hiddenItems(): HiddenItems {
  const hidden = new Set<Hidden>();
  const underWay = new Set<Promise<unknown>>();
  const tokens = new Set<string>();
  /** Remembers a transaction, and tells whether it was sent before. Then its events may have been seen already. */
  const isRepeated = ({ ClientRequestToken }: Body): boolean => {
    if (typeof ClientRequestToken !== "string") return false;
    const isKnown = tokens.has(ClientRequestToken);
    tokens.add(ClientRequestToken);
    return isKnown;
  };
  /** Waits until all events are shown that the answer to a request tells of. Who hides events mustn't wait for others. */
  const untilShown = async (sent: Body): Promise<void> => {
    await Promise.all(underWay);
    const told = eventsOf(sent).flatMap(({ stream, version }) =>
      [...hidden].filter((one) => one.stream === stream && one.version === version),
    );
    await Promise.all(told.map(({ shown }) => shown));
  };
  return {
    async write(sent, hides, carryOut) {
      let show = (): void => {};
      const shown = new Promise<void>((resolve) => {
        show = resolve;
      });
      const events = isRepeated(sent) ? [] : putEventsOf(sent).filter((_, index) => hides(index));
      const mine = events.map((event) => ({ ...event, shown }));
      // A Query between the commit and the hiding would see the whole and then a part, which DynamoDB never shows.
      const carried = carryOut().then((answer) => {
        if (answer.status === 200) for (const one of mine) hidden.add(one);
        return answer;
      });
      const settled = carried.catch(() => {});
      underWay.add(settled);
      try {
        const answer = await carried;
        if (!mine.some((one) => hidden.has(one))) await untilShown(sent);
        return {
          answer,
          done: () => {
            for (const one of mine) hidden.delete(one);
            show();
          },
        };
      } finally {
        underWay.delete(settled);
      }
    },
    async read(sent, carryOut) {
      await Promise.all(underWay);
      const stream = streamOf(sent);
      const versions = new Set<string>();
      const leaveOut = (): void => {
        for (const one of hidden) if (one.stream === stream) versions.add(one.version);
      };
      leaveOut();
      const answer = await carryOut();
      // The Query may have been carried out after a transaction that began after it.
      await Promise.all(underWay);
      leaveOut();
      if (versions.size === 0 || answer.status !== 200) return answer;
      const body = JSON.parse(answer.body) as { readonly Items?: readonly Item[] };
      const items = body.Items?.filter((item) => !versions.has(item["v"]?.N ?? ""));
      return { ...answer, body: JSON.stringify({ ...body, Items: items, Count: items?.length }) };
    },
    async other(sent, carryOut) {
      isRepeated(sent);
      const answer = await carryOut();
      await untilShown(sent);
      return answer;
    },
  };
}

type Event = Pick<Hidden, "stream" | "version">;

/** The events that a transaction puts. */
function putEventsOf({ TransactItems = [] }: Body): readonly Event[] {
  return (TransactItems as readonly { readonly Put?: Target }[]).flatMap(({ Put }) => (Put ? eventOf(Put) : []));
}

/** The events that a request puts, deletes, gets or checks. */
function eventsOf(sent: Body): readonly Event[] {
  const items = (sent["TransactItems"] ?? [{ sent }]) as readonly Readonly<Record<string, Target>>[];
  return items.flatMap((item) => Object.values(item).flatMap(eventOf));
}

interface Target {
  readonly TableName?: string;
  readonly Item?: Item;
  readonly Key?: Item;
}

function eventOf({ TableName, Item, Key }: Target): Event | [] {
  const { a, v } = Item ?? Key ?? {};
  return v?.N === undefined ? [] : { stream: `${TableName} ${a?.S}`, version: v.N };
}

function streamOf(sent: Body): string {
  const values = sent["ExpressionAttributeValues"] as Item | undefined;
  return `${sent["TableName"]} ${values?.[":a"]?.S}`;
}
