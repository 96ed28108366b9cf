/** What a run takes by the clock of the main thread, cut into spans that add up to all of it. */
import type { Took } from './shape.ts'

export interface Clock {
  /** Ends the span that has run since the last one ended. */
  end(name: string): void
  /** All until now; what ran since the last span is one of `name`. `millis`: of stages, summed over workers. */
  took(name: string, millis: Readonly<Record<string, number>>): Took
}

const seconds = (millis: number): number => Math.round(millis) / 1000

/** Begins now. Times are whole milliseconds, so that spans add up. */
export function openClock(): Clock {
  const started = performance.now(),
    spans: { readonly name: string; readonly seconds: number }[] = []
  let last = 0
  const end = (name: string) => {
    const now = Math.round(performance.now() - started)
    spans.push({ name, seconds: seconds(now - last) })
    last = now
  }
  return {
    end,
    took(name, millis) {
      end(name)
      return {
        wall: seconds(last),
        spans,
        stages: Object.fromEntries(Object.entries(millis).map(([id, some]) => [id, seconds(some)])),
        peakMemory: process.resourceUsage().maxRSS * 1024,
      }
    },
  }
}
