/** What is said while a run goes on: redrawn in place on a terminal, a line now and then elsewhere; on stderr. */
import type { Doing, Overview, Progress } from '../engine/run/progress.ts'
import { cut, n, padded } from '../engine/report/lines.ts'
import { inLine, viewOf, type View } from '../engine/terminal.ts'

/** Seconds between two views of a terminal, and between two lines of a log in which nothing else changes. */
const REDRAW = 0.2,
  LOG = 30
/** Narrower terminals get fewer lines, and shorter. */
const WIDE = 70

export interface Live {
  report(progress: Progress): void
  /** Prints something else. */
  say(text: string): void
  /** Takes the view away; `last` is the last line of a log. */
  stop(last?: string): void
}
export const silent = (print: (text: string) => void): Live => ({
  report: () => undefined,
  say: print,
  stop: () => undefined,
})

/** `print` is for lines: it makes visible what a terminal would obey. */
export async function openLive(stream: NodeJS.WriteStream, print: (text: string) => void): Promise<Live> {
  // a terminal that cannot go back gets lines, as a log does
  return stream.isTTY && process.env.TERM !== 'dumb' ? drawnLive(stream, print) : loggedLive(print)
}

async function drawnLive(stream: NodeJS.WriteStream, print: (text: string) => void): Promise<Live> {
  const { createLogUpdate } = await import('log-update'),
    // whoever hides the cursor takes Ctrl-C to give it back
    draw = createLogUpdate(stream, { showCursor: true })
  let last: Progress | undefined,
    view: View | undefined,
    isOpen = true
  const redraw = () => {
    if (!isOpen || !last) return
    const overview = last.overview()
    void (async () => {
      view ??= await viewOf(stream, overview.graph)
      // the window may have another size by now
      if (isOpen) draw(liveLines(overview, { ...view, columns: (stream.columns || view.columns) - 1 }).join('\n'))
    })()
  }
  const timer = setInterval(redraw, 1000 * REDRAW)
  timer.unref()
  return {
    report: progress => {
      last = progress
    },
    say(text) {
      draw.clear()
      print(text)
      redraw()
    },
    stop() {
      isOpen = false
      clearInterval(timer)
      draw.clear()
      draw.done()
    },
  }
}

function loggedLive(print: (text: string) => void): Live {
  let last: Progress | undefined,
    said = '',
    at = 0
  const line = (text: string, share: number) => {
    at = Date.now()
    print(`${new Date().toTimeString().slice(0, 8)}  ${percent(share).padStart(5)}   ${text}`)
  }
  const look = (isDue: boolean) => {
    if (!last) return
    const overview = last.overview(),
      key = `${last.phase} ${overview.now.map(({ name, does }) => `${name} ${does}`).join()}`
    if (overview.now.length === 0 || (key === said && !isDue)) return
    said = key
    line(logText(overview), overview.share)
  }
  const timer = setInterval(() => look(Date.now() - at >= 1000 * LOG), 1000)
  timer.unref()
  return {
    report: progress => {
      last = progress
      look(false)
    },
    say: print,
    stop(text) {
      clearInterval(timer)
      if (text !== undefined && last) line(text, 1)
    },
  }
}

const percent = (share: number): string => `${Math.floor(100 * share)} %`
/** Minutes and seconds; hours where there are any. */
export const clock = (seconds: number): string => {
  const all = Math.round(seconds),
    [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60],
    two = (value: number) => String(value).padStart(2, '0')
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(all % 60)}`
}

const named = ({ name, does }: Pick<Doing, 'name' | 'does'>): string => (does === '' ? name : `${name} ${does}`)

/** What goes on, in a line of a log. */
export function logText({ graph, rows, now, left, read, leftOut }: Overview): string {
  const time = `; about ${clock(left)} left`
  const begins = now.some(({ name }) => name === 'files')
  return begins
    ? `${inLine(graph)}: ${n(rows)} rows to read, about ${clock(left)}`
    : `${now.map(named).join('; ')}${read > 0 ? `; ${n(read - leftOut)} still in, ${n(leftOut)} left out` : ''}${time}`
}

/** At most eight lines, none wider than the view. */
export function liveLines(overview: Overview, view: View): string[] {
  const { graph, rows, seconds, left, share, now, read, leftOut, perSecond, asked } = overview,
    { columns } = view
  const head = `${inLine(graph)}  ${n(rows)} rows`,
    spent = asked ? `${n(asked.requests)} requests${asked.usd > 0 ? `, $${asked.usd.toFixed(2)}` : ''}` : ''
  if (columns < WIDE) {
    return [
      view.paint('bold', cut(head, columns, view)),
      `${view.paint('cyan', bar(share, columns - 13))}${percent(share).padStart(6)}`,
      cut(`${clock(seconds)} gone, about ${clock(left)} left`, columns, view),
      ...now.slice(0, 2).map(one => cut(`now  ${named(one)}`, columns, view)),
      cut(`in   ${n(read - leftOut)}   left out ${n(leftOut)}`, columns, view),
      ...(spent ? [cut(`asked ${spent}`, columns, view)] : []),
    ]
  }
  const right = `${clock(seconds)} of about ${clock(seconds + left)}`,
    aside = `${percent(share)}  about ${clock(left)} left`,
    row = (name: string, text: string) => `  ${name.padEnd(10)}${cut(text, columns - 12, view)}`
  const doing = (one: Doing) => {
    const time = `${clock(one.seconds)}${one.left === undefined ? '' : `   about ${clock(one.left)} left`}`,
      width = 34
    const name = padded(cut(named(one), width, view), width, view)
    return row('now', `${name} ${one.share === undefined ? ' '.repeat(16) : bar(one.share, 16)}  ${time}`)
  }
  const toCome = overview.toCome.map(({ name, does, left = 0 }) =>
    left >= 1 ? `${name} ${does} (about ${clock(left)})` : name,
  )
  const first = view.width(head) + right.length + 2 <= columns ? head : cut(head, columns - right.length - 2, view)
  return [
    `${view.paint('bold', first)}${' '.repeat(columns - view.width(first) - right.length)}${right}`,
    `${view.paint('cyan', bar(share, columns - aside.length - 2))}  ${aside}`,
    ...(overview.done.length > 0 ? [row('done', overview.done.join(', '))] : []),
    ...now.slice(0, 2).map(doing),
    ...(toCome.length > 0 ? [row('to come', toCome.join(', '))] : []),
    ...(read > 0
      ? [
          row(
            'rows',
            `${n(read)} read   ${n(read - leftOut)} still in   ${n(leftOut)} left out   ${n(Math.round(perSecond))} a second while reading`,
          ),
        ]
      : []),
    ...(spent ? [row('asked', spent)] : []),
  ]
}

/** Eighths of a column. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
function bar(share: number, columns: number): string {
  const eighths = Math.round(8 * columns * Math.min(1, Math.max(0, share))),
    text = '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]
  return text + ' '.repeat(columns - text.length)
}
