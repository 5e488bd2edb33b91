/** Writes the function of AWS Lambda into one file, `dist/lambda.mjs`, and says how large it is. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleLambda } from "./bundle-lambda.js";

const file = fileURLToPath(new URL("../dist/lambda.mjs", import.meta.url));
const { bytes, gzipped } = await bundleLambda(file);
const kib = (size: number): string => `${Math.round(size / 1024)} KB`;
console.log(`${relative(process.cwd(), file)}: ${kib(bytes)}, ${kib(gzipped)} gzip`);
