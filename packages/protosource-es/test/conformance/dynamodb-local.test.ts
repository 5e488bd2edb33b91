import { testConformance } from "../dynamodb-conformance.js";

testConformance("dynamodb-local");
