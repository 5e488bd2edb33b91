/** The picture of states, by its numbers: boxes beside each other, and all of it within the picture. */
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type Layout,
  LINE_HEIGHT,
  layoutStates,
  NEW,
  STATE_HEIGHT,
  type Transition,
  widthOf,
} from "../../src/studio/state-layout.js";

interface Box {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const statesOf = ({ states }: Layout): readonly Box[] => states.map((one) => ({ ...one, height: STATE_HEIGHT }));

const labelsOf = ({ arrows }: Layout): readonly Box[] =>
  arrows.map(({ labels, x, y }) => ({
    ...{ name: labels.join(), x, y },
    ...{ width: widthOf(labels), height: labels.length * LINE_HEIGHT },
  }));

/** Names the boxes that lie over others. What is off by less than a hundredth of a pixel isn't seen. */
function overlaps(some: readonly Box[], others: readonly Box[]): readonly string[] {
  const isOver = (one: Box, other: Box): boolean =>
    Math.abs(one.x - other.x) + 0.01 < (one.width + other.width) / 2 &&
    Math.abs(one.y - other.y) + 0.01 < (one.height + other.height) / 2;
  return some.flatMap((one) =>
    others.filter((other) => other !== one && isOver(one, other)).map(({ name }) => `${one.name} over ${name}`),
  );
}

function outside({ left, top, width, height }: Layout, boxes: readonly Box[]): readonly string[] {
  const isOutside = (one: Box): boolean =>
    one.x - one.width / 2 < left ||
    one.x + one.width / 2 > left + width ||
    one.y - one.height / 2 < top ||
    one.y + one.height / 2 > top + height;
  return boxes.filter(isOutside).map(({ name }) => name);
}

const machines = fc.uniqueArray(fc.stringMatching(/^[A-Z_]{1,24}$/), { minLength: 1, maxLength: 20 }).chain((states) =>
  fc.record({
    names: fc.constant<readonly string[]>([NEW, ...states]),
    transitions: fc.array(
      fc.record<Transition>({
        from: fc.constantFrom(NEW, ...states),
        to: fc.constantFrom(...states),
        command: fc.stringMatching(/^[A-Z][a-z]{1,30}$/),
      }),
      { maxLength: 30 },
    ),
  }),
);

/** An arrow back over a layer of two states, with more to say than there is room between those. */
const WAY_BACK = {
  names: [NEW, "A", "B", "C", "ELSE", "D"],
  transitions: [
    { from: NEW, to: "A", command: "Create" },
    { from: "A", to: "B", command: "Go" },
    { from: "B", to: "C", command: "Go" },
    { from: "B", to: "ELSE", command: "Stop" },
    { from: "C", to: "D", command: "Go" },
    { from: "D", to: "A", command: "BeginAllOfItAnewFromTheStart" },
  ],
};

/** Two states that lead to each other, and more beside them. */
const SAME_PLACES = {
  names: [NEW, "A", "B", "C"],
  transitions: [
    { from: NEW, to: "A", command: "Create" },
    { from: "A", to: "B", command: "PlaceTheOrder" },
    { from: "B", to: "A", command: "TakeTheOrderBack" },
    { from: "A", to: "C", command: "CancelTheOrder" },
    { from: "C", to: "A", command: "TakeUpTheOrderAgain" },
  ],
};

/** Labels beside a state that are higher than it, of a loop or of what passes by, and others between it and the next. */
const highBeside = (from: string, to: string) => ({
  names: [NEW, "A", "B"],
  transitions: [
    { from: NEW, to: "A", command: "Create" },
    ...Array.from({ length: 20 }, (_, i) => ({ from, to, command: `ChangeField${i}` })),
    { from: "A", to: "B", command: "CloseItAndSendItToTheArchiveOfAllThatIsClosed" },
  ],
});

it("lays out any machine with its states and labels beside each other, and all of it in the picture", () => {
  fc.assert(
    fc.property(machines, ({ names, transitions }) => {
      const layout = layoutStates(names, transitions);
      expect(layout.states.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
      const [states, labels] = [statesOf(layout), labelsOf(layout)];
      expect(overlaps(states, states)).toEqual([]);
      expect(overlaps(labels, states)).toEqual([]);
      expect(overlaps(labels, labels)).toEqual([]);
      expect(outside(layout, [...states, ...labels])).toEqual([]);
    }),
    { numRuns: 300, examples: [[WAY_BACK], [SAME_PLACES], [highBeside("A", "A")], [highBeside(NEW, "B")]] },
  );
});
