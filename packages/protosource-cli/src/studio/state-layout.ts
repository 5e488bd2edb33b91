/** Where the states of an aggregate and what leads from one to another are drawn: in layers, from the first state down. */

/** The name of what an aggregate is before it is made. */
export const NEW = "";

/** A change of state. */
export interface Transition {
  readonly from: string;
  readonly to: string;
  readonly command: string;
}

export interface PlacedState {
  readonly name: string;
  /** Its middle. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface PlacedArrow {
  readonly from: string;
  readonly to: string;
  /** The path of an SVG. */
  readonly path: string;
  readonly labels: readonly string[];
  /** The middle of its labels. */
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly states: readonly PlacedState[];
  readonly arrows: readonly PlacedArrow[];
  /** Where the picture begins. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export const STATE_HEIGHT = 30;
export const LINE_HEIGHT = 15;
const LETTER_WIDTH = 7.4;
const LABEL_LETTER_WIDTH = 6.8;
const LOOP_WIDTH = 22;
const BETWEEN = 28;
const MARGIN = 14;
/** What is free between a layer and the labels below or above it. */
const CLEAR = 17;
/** How far to the right what leads up is of what leads down. */
const ASIDE = 16;
const SWEEPS = 8;

/** A state, or a place where a long arrow passes a layer. */
interface Spot {
  readonly name: string;
  readonly isState: boolean;
  readonly width: number;
  /** What it keeps free of others, around its middle. */
  room: number;
  /** What it is high, with the labels in its layer. */
  height: number;
  readonly layer: number;
  readonly above: Spot[];
  readonly below: Spot[];
  x: number;
}

/** Places states, each below those that lead to it as far as there is no way back. */
export function layoutStates(names: readonly string[], transitions: readonly Transition[]): Layout {
  const arrows = merged(transitions);
  const layers = layersOf(names, arrows);
  const spots = new Map<string, Spot>(
    names.map((name) => [name, spot(name, true, stateWidth(name), layers.get(name) ?? 0)]),
  );
  const rows: Spot[][] = Array.from({ length: Math.max(0, ...layers.values()) + 1 }, () => []);
  for (const one of spots.values()) rows[one.layer]?.push(one);
  for (const { from, to, commands } of arrows) {
    const one = spots.get(from) as Spot;
    if (from !== to) continue;
    one.room = one.width + 2 * (LOOP_WIDTH + widthOf(commands));
    one.height = Math.max(STATE_HEIGHT, heightOf(commands));
  }
  const ways = arrows.map((arrow) => wayOf(arrow, spots, rows));
  for (let sweep = 0; sweep < SWEEPS; sweep++) arrange(sweep % 2 === 0 ? rows : rows.toReversed(), sweep % 2 === 0);

  const { ys, labels } = placeLayers(rows, arrows, ways);
  const yOf = ({ layer }: Spot): number => ys[layer] as number;
  const states = [...spots.values()].map((one) => ({ name: one.name, x: one.x, y: yOf(one), width: one.width }));
  const drawn = arrows.map(({ from, to, commands }, i) => {
    const points = (ways[i] as readonly Spot[]).map((one) => ({ ...one, y: yOf(one) }));
    const [first, second] = points as [Point, Point];
    if (from === to) return { from, to, labels: commands, ...loop(first, widthOf(commands)) };
    const aside = first.y < second.y ? 0 : ASIDE;
    return {
      ...{ from, to, labels: commands, path: curve(points, aside) },
      ...(labels.get(i) ?? { x: second.x + aside, y: second.y }),
    };
  });
  const boxes = [
    ...rows.flat().map((one) => ({ x: one.x, y: yOf(one), width: one.width, height: STATE_HEIGHT })),
    ...drawn.map(({ x, y, labels }) => ({ x, y, width: widthOf(labels), height: heightOf(labels) })),
  ];
  const left = Math.min(...boxes.map(({ x, width }) => x - width / 2)) - MARGIN;
  const top = Math.min(...boxes.map(({ y, height }) => y - height / 2)) - MARGIN;
  const width = Math.max(...boxes.map(({ x, width }) => x + width / 2)) + MARGIN - left;
  const height = Math.max(...boxes.map(({ y, height }) => y + height / 2)) + MARGIN - top;
  return { states, arrows: drawn, left, top, width, height };
}

/** Gives how wide the widest of some labels is. */
export function widthOf(labels: readonly string[]): number {
  return Math.max(...labels.map((label) => label.length * LABEL_LETTER_WIDTH + 8));
}

function heightOf(labels: readonly string[]): number {
  return labels.length * LINE_HEIGHT;
}

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly commands: readonly string[];
}

/** Makes one arrow of those that lead the same way. */
function merged(transitions: readonly Transition[]): readonly Arrow[] {
  const found = new Map<string, { from: string; to: string; commands: string[] }>();
  for (const { from, to, command } of transitions) {
    const key = JSON.stringify([from, to]);
    const arrow = found.get(key);
    if (arrow) arrow.commands.push(command);
    else found.set(key, { from, to, commands: [command] });
  }
  return [...found.values()];
}

/** Gives each state the layer below all that lead to it; what leads back to a state on the way there doesn't count. */
function layersOf(names: readonly string[], arrows: readonly Arrow[]): ReadonlyMap<string, number> {
  const done: string[] = [];
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const { from, to } of arrows) if (from === name) visit(to);
    done.push(name);
  };
  for (const name of names) visit(name);
  const order = done.toReversed();
  const layers = new Map(order.map((name) => [name, 0]));
  for (const [i, name] of order.entries()) {
    for (const { from, to } of arrows) {
      if (from !== name || order.indexOf(to) <= i) continue;
      layers.set(to, Math.max(layers.get(to) ?? 0, (layers.get(name) ?? 0) + 1));
    }
  }
  return layers;
}

function spot(name: string, isState: boolean, width: number, layer: number): Spot {
  return { name, isState, width, room: width, height: STATE_HEIGHT, layer, above: [], below: [], x: 0 };
}

function stateWidth(name: string): number {
  return name === NEW ? 18 : Math.max(70, name.length * LETTER_WIDTH + 24);
}

/** Adds the spots where an arrow passes layers, and gives all of its spots from its beginning on. */
function wayOf({ from, to, commands }: Arrow, spots: ReadonlyMap<string, Spot>, rows: readonly Spot[][]): Spot[] {
  const [start, end] = [spots.get(from) as Spot, spots.get(to) as Spot];
  const [top, bottom] = start.layer <= end.layer ? [start, end] : [end, start];
  // The labels are where the arrow passes first.
  const labelled = top === start ? top.layer + 1 : bottom.layer - 1;
  const way = [top];
  for (let layer = top.layer + 1; layer < bottom.layer; layer++) {
    const passing = spot(`${from}→${to}`, false, layer === labelled ? widthOf(commands) : 10, layer);
    if (layer === labelled) passing.height = Math.max(STATE_HEIGHT, heightOf(commands));
    rows[layer]?.push(passing);
    way.push(passing);
  }
  if (top !== bottom) way.push(bottom);
  for (let i = 1; i < way.length; i++) {
    way[i - 1]?.below.push(way[i] as Spot);
    way[i]?.above.push(way[i - 1] as Spot);
  }
  return top === start ? way : way.toReversed();
}

/** Puts what is in each layer near what it is connected with in the layer before. */
function arrange(rows: readonly Spot[][], isDown: boolean): void {
  for (const row of rows) {
    const wanted = new Map(
      row.map((one) => {
        const others = isDown ? one.above : one.below;
        return [one, others.length === 0 ? one.x : others.reduce((sum, { x }) => sum + x, 0) / others.length];
      }),
    );
    row.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
    let from = Number.NEGATIVE_INFINITY;
    for (const one of row) {
      one.x = Math.max(wanted.get(one) ?? 0, from + one.room / 2);
      from = one.x + one.room / 2 + BETWEEN;
    }
    const shift = row.reduce((sum, one) => sum + one.x - (wanted.get(one) ?? 0), 0) / Math.max(1, row.length);
    for (const one of row) one.x -= shift;
  }
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * Gives the middle of each layer, from the first one down, and of the labels of the arrows that end in the next layer, by the
 * numbers of those: between the layers, in as few lanes as keep them off each other, and each where its arrow passes.
 */
function placeLayers(
  rows: readonly (readonly Spot[])[],
  arrows: readonly Arrow[],
  ways: readonly (readonly Spot[])[],
): { readonly ys: readonly number[]; readonly labels: ReadonlyMap<number, Place> } {
  const halves = rows.map((row) => Math.max(...row.map(({ height }) => height)) / 2);
  const labels = new Map<number, Place>();
  const ys = [0];
  for (const [layer, below] of halves.slice(1).entries()) {
    const start = (ys[layer] as number) + (halves[layer] as number);
    const short = arrows.flatMap(({ commands }, i) => {
      const [from, to, more] = ways[i] as readonly Spot[];
      if (from === undefined || to === undefined || more !== undefined) return [];
      const [upper, lower, aside] = from.layer < to.layer ? [from, to, 0] : [to, from, ASIDE];
      if (upper.layer !== layer) return [];
      return [{ i, upper, lower, aside, width: widthOf(commands) }];
    });
    const lane = Math.max(LINE_HEIGHT, ...short.map(({ i }) => heightOf((arrows[i] as Arrow).commands)));
    for (let count = 1; ; count++) {
      const end = start + 2 * CLEAR + count * lane;
      ys[layer + 1] = end + below;
      const lanes: { readonly x: number; readonly width: number }[][] = Array.from({ length: count }, () => []);
      const placed = short.every(({ i, upper, lower, aside, width }) => {
        const [top, bottom] = [(ys[layer] as number) + radiusOf(upper), end + below - radiusOf(lower)];
        for (const [number, others] of lanes.entries()) {
          const y = start + CLEAR + (number + 0.5) * lane;
          const x = aside + upper.x + (lower.x - upper.x) * passedAt((y - top) / (bottom - top));
          if (others.some((other) => Math.abs(other.x - x) < (other.width + width) / 2)) continue;
          others.push({ x, width });
          labels.set(i, { x, y });
          return true;
        }
        return false;
      });
      if (placed) break;
    }
  }
  return { ys, labels };
}

/** Tells which part of its way aside an arrow has come, where it has come a part of its way down. */
function passedAt(down: number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 20; step++) {
    const t = (low + high) / 2;
    if (1.5 * t * (1 - t) + t ** 3 < down) low = t;
    else high = t;
  }
  return low * low * (3 - 2 * low);
}

interface Point extends Spot {
  readonly y: number;
}

function radiusOf({ name }: Spot): number {
  return name === NEW ? 8 : STATE_HEIGHT / 2;
}

/** Draws an arrow through its spots, as far to the right of them as is given: what leads up, so that what leads down is seen. */
function curve(points: readonly Point[], aside: number): string {
  const down = aside === 0 ? 1 : -1;
  const half = STATE_HEIGHT / 2;
  const ends = points.map((point, i) => {
    const { x, y, isState } = point;
    const radius = radiusOf(point);
    if (!isState) return { x: x + aside, in: y - down * half, out: y + down * half };
    return { x: x + aside, in: y - down * (radius + (i === 0 ? 0 : 2)), out: y + down * radius };
  });
  const parts = ends.slice(1).map((to, i) => {
    const from = ends[i] as (typeof ends)[number];
    const middle = (from.out + to.in) / 2;
    return `C${[from.x, middle, to.x, middle, to.x, to.in].map(Math.round).join(" ")}${
      i < ends.length - 2 ? `V${Math.round(to.out)}` : ""
    }`;
  });
  const [start] = ends as [(typeof ends)[number]];
  return `M${Math.round(start.x)} ${Math.round(start.out)}${parts.join("")}`;
}

/** Draws an arrow from a state to itself, at its right, with labels of a width beside it. */
function loop({ x, y, width }: Point, labels: number): Pick<PlacedArrow, "path" | "x" | "y"> {
  const right = Math.round(x + width / 2);
  return { path: `M${right} ${y - 8}c26 -8 26 24 2 16`, x: right + LOOP_WIDTH + labels / 2, y };
}
