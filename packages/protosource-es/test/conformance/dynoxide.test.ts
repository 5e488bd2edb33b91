import { testConformance } from "../dynamodb-conformance.js";

testConformance("dynoxide");
