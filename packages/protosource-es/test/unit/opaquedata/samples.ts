import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Kind, type Sample, SampleSchema } from "../../gen/example/app/keys/v1/keys_v1_pb.js";

/** Makes a sample. */
export function sample(init: MessageInitShape<typeof SampleSchema>): Sample {
  return create(SampleSchema, init);
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

/** Any sample. Texts are likely to hold what separates the parts of a key. */
export const anySample: fc.Arbitrary<Sample> = fc
  .record({
    id: fc.string({ minLength: 1, unit: "binary" }),
    version: int64,
    createAt: int64,
    modifyAt: int64,
    bucket: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "a#b", "#bucket#", "é\u{1f600}")),
    doubleValue: fc.double(),
    floatValue: fc.float(),
    int32Value: int32,
    int64Value: int64,
    uint32Value: uint32,
    uint64Value: uint64,
    sint32Value: int32,
    sint64Value: int64,
    fixed32Value: uint32,
    fixed64Value: uint64,
    sfixed32Value: int32,
    sfixed64Value: int64,
    boolValue: fc.boolean(),
    stringValue: fc.string({ unit: "binary" }),
    kind: fc.oneof(fc.constantFrom(Kind.UNSPECIFIED, Kind.SMALL, Kind.LARGE), int32),
    constructor$: fc.string({ unit: "binary" }),
    region: uint32,
  })
  .map((init) => sample(init as MessageInitShape<typeof SampleSchema>));
