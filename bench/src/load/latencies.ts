/** Milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Collects every duration, so that the quantiles are exact. */
export interface Recorder {
  readonly count: number;
  /** Milliseconds. */
  record(duration: number): void;
  /** Undefined when nothing was recorded. */
  summary(): Latencies | undefined;
}

export function createRecorder(): Recorder {
  let values = new Float64Array(4096);
  let count = 0;
  return {
    get count() {
      return count;
    },
    record(duration) {
      if (count === values.length) {
        const larger = new Float64Array(values.length * 2);
        larger.set(values);
        values = larger;
      }
      values[count++] = duration;
    },
    summary() {
      if (count === 0) return undefined;
      const sorted = values.subarray(0, count).toSorted();
      const quantile = (q: number) => sorted[Math.min(count - 1, Math.floor(q * count))]!;
      return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), max: quantile(1) };
    },
  };
}
