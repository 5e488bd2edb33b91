// The types of playwright-core name these, and those of Node don't declare them.
interface Node {
  readonly nodeName: string;
}
interface HTMLElement extends Node {
  readonly tagName: string;
}
interface SVGElement extends Node {
  readonly tagName: string;
}
interface HTMLElementTagNameMap {
  readonly [name: string]: HTMLElement;
}
