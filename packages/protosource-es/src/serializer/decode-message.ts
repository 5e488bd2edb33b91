/**
 * Decoding without reflection. The fields of a schema are looked at once, and each becomes a function that reads it; a
 * message is then read in a third of the time that `fromBinary` takes.
 *
 * Only what messages usually hold is read here. At anything else, the whole message is left to `fromBinary`, which
 * reads or refuses it: so both give the same for all bytes, but for {@link MAX_DEPTH} and a byte order mark, which
 * `fromBinary` drops where a text begins with one.
 */
import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { configureTextEncoding, getTextEncoding, WireType } from "@bufbuild/protobuf/wire";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** Decodes a message. Byte fields are views into the given bytes. Throws what `fromBinary` does. */
export function decodeMessage<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return readMessage(schema, new Cursor(bytes), bytes.length) as MessageShape<D>;
  } catch (reason) {
    if (reason !== UNUSUAL) throw reason;
    return readUnusual(schema, bytes);
  }
}

/** Reads by `fromBinary`. What decodes its texts is a global of the run time: ours is set for this one call. */
function readUnusual<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  const encoding = getTextEncoding();
  const decodeUtf8 = (text: Uint8Array, strict?: boolean): string => (strict ? strictDecoder : decoder).decode(text);
  configureTextEncoding({ ...encoding, decodeUtf8 });
  try {
    return fromBinary(schema, bytes, { recursionLimit: MAX_DEPTH });
  } finally {
    configureTextEncoding(encoding);
  }
}

/** What is thrown at bytes that `fromBinary` must look at. It is always the same, as a new error takes long to make. */
const UNUSUAL = new Error("unusual");

/**
 * How deep messages may nest that are read. By default `fromBinary` stops at 100, to which events are held when they are
 * written; a snapshot lies one deeper, and the family's Go members write deeper ones.
 */
export const MAX_DEPTH = 1000;

type Fields = Record<string, unknown>;

/** Reads a value that begins at the cursor. */
type ReadValue = (from: Cursor) => unknown;

/** Reads a field behind its tag into a message. */
type ReadField = (message: Fields, from: Cursor) => void;

/** How the messages of a schema are read. */
interface Plan {
  /** What is the same in all of them before anything is read. */
  readonly zero: object;
  /** The members that need an object of their own in each message. */
  readonly containers: readonly (readonly [name: string, make: () => object])[];
  /** By the tag, as it stands in front of a field. */
  readonly fields: ReadonlyMap<number, ReadField>;
  /** The numbers of all fields, also of those that are never usual. */
  readonly numbers: ReadonlySet<number>;
}

const plans = new WeakMap<DescMessage, Plan | null>();

function planOf(schema: DescMessage): Plan | null {
  let plan = plans.get(schema);
  if (plan === undefined) {
    plan = makePlan(schema);
    plans.set(schema, plan);
  }
  return plan;
}

function makePlan(schema: DescMessage): Plan | null {
  const zero = create(schema);
  // Where a prototype holds the defaults, of proto2 and some editions, only `create` can make messages.
  if (Object.getPrototypeOf(zero) !== Object.prototype) return null;
  const containers = schema.members.flatMap((member): Plan["containers"] => {
    if (member.kind === "oneof") return [[member.localName, () => ({ case: undefined })]];
    if (member.fieldKind === "list") return [[member.localName, () => []]];
    if (member.fieldKind === "map") return [[member.localName, () => ({})]];
    return [];
  });
  const numbers = new Set(schema.fields.map(({ number }) => number));
  return { zero, containers, fields: new Map(schema.fields.flatMap(fieldReaders)), numbers };
}

function readMessage(schema: DescMessage, from: Cursor, end: number): Message {
  const plan = planOf(schema);
  if (plan === null || ++from.depth > MAX_DEPTH) throw UNUSUAL;
  const message = { ...plan.zero } as Fields;
  for (const [name, make] of plan.containers) message[name] = make();
  while (from.at < end) {
    const tag = from.varint();
    const read = plan.fields.get(tag);
    if (read === undefined) keepUnknown(plan, tag, message, from);
    else read(message, from);
  }
  if (from.at !== end) throw UNUSUAL;
  from.depth--;
  return message as unknown as Message;
}

/** Keeps a field that the schema doesn't have, such as what is sealed of a message. Only delimited ones are usual. */
function keepUnknown({ numbers }: Plan, tag: number, message: Fields, from: Cursor): void {
  const no = Math.floor(tag / 8);
  if (tag % 8 !== WireType.LengthDelimited || no === 0 || tag >= 2 ** 32 || numbers.has(no)) throw UNUSUAL;
  const start = from.at;
  from.at = from.end();
  const field = { no, wireType: WireType.LengthDelimited, data: from.bytes.subarray(start, from.at) };
  const { $unknown: before = [] } = message as Partial<Message>;
  message["$unknown"] = [...before, field];
}

/** Gives the readers of a field, by tag, for each way in which it may be written. None for one that is never usual. */
function fieldReaders(field: DescField): readonly (readonly [tag: number, read: ReadField])[] {
  const { localName: name, number, oneof } = field;
  const value = fieldValue(field);
  if (value === undefined) return [];
  const { wireType, read } = value;
  const tag = tagOf(number, wireType);
  if (oneof !== undefined) return [[tag, choiceReader(oneof.localName, name, read)]];
  switch (field.fieldKind) {
    case "list": {
      const one: ReadField = (message, from) => (message[name] as unknown[]).push(read(from));
      const packed: ReadField = (message, from) => {
        for (const end = from.end(); from.at < end; ) one(message, from);
      };
      // Where the values are delimited themselves, they aren't packed: the second reader takes the place of the first.
      return [
        [tagOf(number, WireType.LengthDelimited), packed],
        [tag, one],
      ];
    }
    case "map":
      return [[tagOf(number, WireType.LengthDelimited), entryReader(name, scalar(field.mapKey), value)]];
    case "message":
      return [[tag, messageReader(name, read)]];
    default:
      return [[tag, scalarReader(name, read)]];
  }
}

function tagOf(number: number, wireType: WireType): number {
  return number * 8 + wireType;
}

function scalarReader(name: string, read: ReadValue): ReadField {
  return (message, from) => {
    message[name] = read(from);
  };
}

/** A message that comes twice is merged, which isn't usual. */
function messageReader(name: string, read: ReadValue): ReadField {
  return (message, from) => {
    if (message[name] !== undefined) throw UNUSUAL;
    message[name] = read(from);
  };
}

function choiceReader(oneof: string, name: string, read: ReadValue): ReadField {
  return (message, from) => {
    if ((message[oneof] as { readonly case: unknown }).case !== undefined) throw UNUSUAL;
    message[oneof] = { case: name, value: read(from) };
  };
}

/** Reads an entry of a map as writers put it: a key, then a value. An object would lose an entry called `__proto__`. */
function entryReader(map: string, key: Value, value: Value): ReadField {
  const keyTag = tagOf(1, key.wireType);
  const valueTag = tagOf(2, value.wireType);
  return (message, from) => {
    const end = from.end();
    if (from.varint() !== keyTag) throw UNUSUAL;
    const name = String(key.read(from));
    if (name === "__proto__" || from.varint() !== valueTag) throw UNUSUAL;
    (message[map] as Fields)[name] = value.read(from);
    if (from.at !== end) throw UNUSUAL;
  };
}

/** How one value is written, and what reads it. */
interface Value {
  readonly wireType: WireType;
  readonly read: ReadValue;
}

/** Gives how the values of a field are read; undefined for those that have a form of their own in a message. */
function fieldValue(field: DescField): Value | undefined {
  const { message } = field;
  if (message !== undefined) {
    const isUsual =
      !isWrapperDesc(message) &&
      message.typeName !== "google.protobuf.Struct" &&
      !("delimitedEncoding" in field && field.delimitedEncoding);
    return isUsual ? delimited((from) => readMessage(message, from, from.end())) : undefined;
  }
  if (field.enum !== undefined) return field.enum.open ? scalar(ScalarType.INT32) : undefined;
  if ("longAsString" in field && field.longAsString) return undefined;
  return field.scalar && scalar(field.scalar);
}

function scalar(type: ScalarType): Value {
  switch (type) {
    case ScalarType.STRING:
      return delimited(createTextReader());
    case ScalarType.BYTES:
      return delimited((from) => from.view());
    case ScalarType.BOOL:
      return varint((n) => n !== 0);
    case ScalarType.INT32:
      return varint((n) => (n < 2 ** 31 ? n : unusual()));
    case ScalarType.UINT32:
      return varint((n) => (n < 2 ** 32 ? n : unusual()));
    case ScalarType.SINT32:
      return varint((n) => (n < 2 ** 32 ? unZigZag(n) : unusual()));
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return varint(BigInt);
    case ScalarType.SINT64:
      return varint((n) => BigInt(unZigZag(n)));
    case ScalarType.DOUBLE:
      return fixed64((data) => data.getFloat64(0, true));
    case ScalarType.FIXED64:
      return fixed64((data) => data.getBigUint64(0, true));
    case ScalarType.SFIXED64:
      return fixed64((data) => data.getBigInt64(0, true));
    case ScalarType.FLOAT:
      return fixed32((data) => data.getFloat32(0, true));
    case ScalarType.FIXED32:
      return fixed32((data) => data.getUint32(0, true));
    case ScalarType.SFIXED32:
      return fixed32((data) => data.getInt32(0, true));
  }
}

function delimited(read: ReadValue): Value {
  return { wireType: WireType.LengthDelimited, read };
}

function varint(convert: (n: number) => unknown): Value {
  return { wireType: WireType.Varint, read: (from) => convert(from.varint()) };
}

function fixed64(convert: (data: DataView) => unknown): Value {
  return { wireType: WireType.Bit64, read: (from) => convert(from.data(8)) };
}

function fixed32(convert: (data: DataView) => unknown): Value {
  return { wireType: WireType.Bit32, read: (from) => convert(from.data(4)) };
}

function unZigZag(n: number): number {
  return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
}

function unusual(): never {
  throw UNUSUAL;
}

/** The longest text that is made letter by letter. A longer one is faster made by a TextDecoder. */
const SHORT = 64;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/**
 * Makes a reader of text for one field. It remembers the last text, as many of a stream's events say the same: whose
 * they are, and who acted. It remembers ASCII alone, whose letters are its bytes.
 */
function createTextReader(): ReadValue {
  let last = "";
  return (from) => {
    const { bytes } = from;
    const end = from.end();
    const start = from.at;
    from.at = end;
    if (says(last, bytes, start, end)) return last;
    const text = bytes.subarray(start, end);
    if (text.length > SHORT || !isAscii(text)) return decodeText(text);
    last = String.fromCharCode.apply(undefined, text as unknown as number[]);
    return last;
  };
}

/** Tells whether bytes are the letters of an ASCII text. */
function says(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let at = end - 1; at >= start; at--) {
    if (text.charCodeAt(at - start) !== bytes[at]) return false;
  }
  return true;
}

function isAscii(bytes: Uint8Array): boolean {
  let all = 0;
  for (let i = 0; i < bytes.length; i++) all |= bytes[i] as number;
  return all < 0x80;
}

function decodeText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // Whether bytes that aren't UTF-8 are refused is for the schema to say.
  return text.includes("\ufffd") ? unusual() : text;
}

/** A place in the bytes of a message. */
class Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  depth = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads a whole number of at most 53 bits. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] as number;
    if (byte < 128) return byte;
    let n = byte & 127;
    for (let unit = 2 ** 7; unit < 2 ** 56; unit *= 2 ** 7) {
      byte = bytes[this.at++] as number;
      n += (byte & 127) * unit;
      if (byte < 128) return n <= Number.MAX_SAFE_INTEGER ? n : unusual();
    }
    return unusual();
  }

  /** Reads a length, and gives where what is so long ends. */
  end(): number {
    const length = this.varint();
    return this.#past(length);
  }

  /** Reads a length, and gives so many bytes. */
  view(): Uint8Array {
    const end = this.end();
    const view = this.bytes.subarray(this.at, end);
    this.at = end;
    return view;
  }

  data(length: number): DataView {
    const { buffer, byteOffset } = this.bytes;
    const start = this.at;
    this.at = this.#past(length);
    return new DataView(buffer, byteOffset + start, length);
  }

  #past(length: number): number {
    const end = this.at + length;
    return end <= this.bytes.length ? end : unusual();
  }
}
