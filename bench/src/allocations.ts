/** How much memory calls take from the heap, freed again or not. */
import { type HeapProfiler, Session } from "node:inspector/promises";

const SAMPLING_BYTES = 4096;

/** Gives the bytes that JavaScript objects of one call take, on average, estimated from samples. */
export async function allocatedBytes(calls: readonly (() => Promise<unknown>)[]): Promise<number> {
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.startSampling", {
    samplingInterval: SAMPLING_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  } as HeapProfiler.StartSamplingParameterType);
  for (const call of calls) await call();
  const { profile } = await session.post("HeapProfiler.stopSampling");
  session.disconnect();
  return sizeOf(profile.head) / calls.length;
}

function sizeOf({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize);
}
