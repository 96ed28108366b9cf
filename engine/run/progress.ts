/**
 * How far a run is, by what its work costs and not by its rows: most of it may be learning, behind the last row. Costs
 * begin as those of the last run of the graph, or as a guess, and are mended by what goes on.
 */
import { effectOf, fitRounds, tableRounds, type Node } from '../graph/types.ts'
import { isGroupRound, type Plan } from './plan.ts'

/** What is being done, or will be. `name` is a stage, or several in the order of the graph. */
export interface Doing {
  readonly name: string
  /** 'learns: round 2 of 2', 'compares rows'; '' of rows that pass. */
  readonly does: string
  /** From 0 to 1; undefined where nobody says. */
  readonly share?: number
  readonly seconds: number
  readonly left?: number
}
export interface Overview {
  readonly graph: string
  /** To read, read so far, dropped or errored so far, and read in a second. */
  readonly rows: number
  readonly read: number
  readonly leftOut: number
  readonly perSecond: number
  readonly seconds: number
  readonly left: number
  readonly share: number
  readonly done: readonly string[]
  readonly now: readonly Doing[]
  readonly toCome: readonly Pick<Doing, 'name' | 'does' | 'left'>[]
  /** Of servers. */
  readonly asked?: { readonly requests: number; readonly usd: number }
}

/** What a run tells while it goes on. */
export interface Progress {
  /** `fingerprint`, `pass 1 of 3`, `publish`; so many of its files or rows are done. */
  readonly phase: string
  readonly done: number
  readonly total: number
  /** All that is known now, for a view. */
  overview(): Overview
}

/** Seconds of each work of a run over so many rows, as timings.json has them. */
export interface Costs {
  readonly rows: number
  readonly seconds: Readonly<Record<string, number>>
}

interface Work {
  /** A stage, or several; with what it does, where it is more than that rows pass. */
  readonly name: string
  readonly does: string
  /** What it is guessed to take, in seconds. */
  readonly cost: number
  begun?: number
  ended?: number
  share?: number
  /** Some of it was found done: what it took says nothing of its cost. */
  isFound?: true
}
/** Works that go on side by side, by their names in timings.json; one phase after another. */
interface Phase {
  readonly name: string
  /** The level that it works through; between two where it looks at the rows of the first. */
  readonly level: number
  readonly works: ReadonlyMap<string, Work>
}

/** A guess in seconds a row, for a first run: of a stage in a pass, of a fit or a group, of what is published. */
const STAGE = 15e-6,
  MERGE = 10e-6,
  PUBLISH = 30e-6
/** What a pass takes of whatever rows. */
const LEAST = 0.1
/** A share below which it says nothing of what is left. */
const SURE = 0.05

export interface Tracker {
  /** A phase begins, of so many rows or files; what was before has ended. */
  begin(phase: string, total: number): void
  /** So many more of them are done. */
  add(done: number): void
  /** Some of what the phase should do was found done. */
  found(): void
  /** A fit or a group begins that was not found done; gives what hears which share of it is done. */
  work(node: string, round: number): (share: number) => void
  /** It has ended, or was found done. */
  end(node: string, round: number): void
  costs(): Costs
}

export const passName = ({ levels }: Plan, level: number): string =>
  levels.length > 1 ? `pass ${level + 1} of ${levels.length}` : 'pass'
const keyOf = (node: string, round: number): string => `${node} ${round}`

/** `started`: as performance.now() has it. `before`: what a run of the same graph took. */
export function openProgress(of: {
  readonly plan: Plan
  readonly rows: number
  readonly workers: number
  readonly started: number
  readonly before?: Costs
  leftOut(): number
  asked(): Overview['asked']
  readonly report?: (progress: Progress) => void
}): Tracker {
  const { plan, rows, workers, started, report } = of,
    nodes = plan.graph.nodes.filter(({ stage }) => stage.kind !== 'audit'),
    phases = phasesOf(of)
  let at = phases[0],
    done = 0,
    total = 0,
    read = 0,
    /** Seconds while rows of the input were read. */
    reading = 0,
    most = 0
  const now = () => (performance.now() - started) / 1000
  const workAt = (key: string) => phases.flatMap(({ works }) => works.get(key) ?? []).at(0)
  const enter = (phase: Phase) => {
    at = phase
    for (const { works } of phases.slice(0, phases.indexOf(phase))) for (const work of works.values()) finish(work)
  }
  const finish = (work: Work) => {
    work.ended ??= now()
  }
  const leftOf = ({ cost, begun, ended, share = 0 }: Work): number => {
    if (ended !== undefined) return 0
    if (begun === undefined) return cost
    const went = now() - begun
    // what goes on knows best what is left of it
    return share >= SURE ? (went * (1 - share)) / share : Math.max(cost - went, cost / 10)
  }
  const leftIn = ({ works }: Phase): number => {
    const left = [...works.values()].map(leftOf)
    return workers > 1 ? Math.max(...left) : left.reduce((sum, one) => sum + one, 0)
  }
  const overview = (): Overview => {
    const seconds = now(),
      left = phases.reduce((sum, phase) => sum + leftIn(phase), 0)
    // what is guessed anew takes nothing back
    most = Math.max(most, seconds / (seconds + left))
    const running = [...at.works.values()].filter(({ begun, ended }) => begun !== undefined && ended === undefined),
      busy = new Set(running.flatMap(({ name }) => name.split(', '))),
      later = phases.slice(phases.indexOf(at) + 1).flatMap(({ works }) => [...works.values()])
    const states = nodes.map(({ id }) => {
      const fits = later.filter(({ name, does }) => name === id && does !== '')
      const isDone = !busy.has(id) && fits.length === 0 && lastLevel(plan, id) < at.level
      return { id, isDone, fits }
    })
    return {
      graph: plan.graph.name,
      rows,
      read,
      leftOut: of.leftOut(),
      perSecond: reading > 0 ? read / reading : 0,
      seconds,
      left,
      share: most,
      done: states.filter(({ isDone }) => isDone).map(({ id }) => id),
      now: running.map(work => ({
        name: work.name,
        does: work.does,
        ...(work.share === undefined ? {} : { share: work.share }),
        seconds: seconds - work.begun!,
        left: leftOf(work),
      })),
      toCome: states
        .filter(({ id, isDone }) => !isDone && !busy.has(id))
        .map(({ id, fits }) => ({
          name: id,
          does: fits.length > 0 ? fits[0].does.replace(/:.*/, '') : '',
          left: fits.reduce((sum, { cost }) => sum + cost, 0),
        })),
      ...(of.asked() ? { asked: of.asked() } : {}),
    }
  }
  const tell = () => report?.({ phase: at.name, done, total, overview })
  return {
    begin(name, of) {
      enter(phases.find(phase => phase.name === name)!)
      done = 0
      total = of
      const work = at.works.get(name)!
      work.begun = now()
      tell()
    },
    add(some) {
      done += some
      const work = at.works.get(at.name)
      if (work && total > 0) work.share = Math.min(1, done / total)
      if (work && at.level === 0) {
        read += some
        reading = now() - work.begun!
      }
      tell()
    },
    found() {
      const work = at.works.get(at.name)
      if (work) work.isFound = true
    },
    work(node, round) {
      const key = keyOf(node, round),
        phase = phases.find(({ works }) => works.has(key)),
        work = phase?.works.get(key)
      // a round that looks at a table comes before all passes
      if (!phase || !work) return () => undefined
      if (phases.indexOf(phase) > phases.indexOf(at)) enter(phase)
      work.begun = now()
      tell()
      return share => {
        work.share = Math.max(work.share ?? 0, Math.min(1, share))
        tell()
      }
    },
    end(node, round) {
      const work = workAt(keyOf(node, round))
      if (!work) return
      if (work.begun === undefined) work.isFound = true
      finish(work)
      tell()
    },
    costs: () => ({
      rows,
      seconds: Object.fromEntries(
        phases.flatMap(({ works }) =>
          [...works].map(([key, { isFound, begun, ended = now(), cost }]) => [
            key,
            Math.round(1000 * (isFound || begun === undefined ? cost : ended - begun)) / 1000,
          ]),
        ),
      ),
    }),
  }
}

/** All that a run will do, each with what it is guessed to take. */
function phasesOf({ plan, rows, workers, before }: Parameters<typeof openProgress>[0]): Phase[] {
  const { levels, graph } = plan,
    scale = before && before.rows > 0 ? rows / before.rows : undefined
  const work = (key: string, name: string, does: string, guess: number): [string, Work] => {
    const known = scale === undefined ? undefined : before?.seconds[key]
    return [key, { name, does, cost: known === undefined ? guess : known * scale! }]
  }
  const ofLevels = levels.flatMap((ops, level): Phase[] => {
    const name = passName(plan, level),
      nodes = ops.flatMap(op => ('node' in op && op.kind !== 'tally' && op.kind !== 'gather' ? [op] : [])),
      given = nodes.filter(({ kind }) => kind !== 'collect'),
      // where rows are only read for a fit it is that stage
      stages = [...new Set((given.length > 0 ? given : nodes).map(({ node }) => node))]
    const fits = ops.flatMap(op => {
      if (op.kind !== 'collect') return []
      const { does, seconds } = fitSaid(
        graph.nodes.find(({ id }) => id === op.node)!,
        op.round,
      )
      return [work(keyOf(op.node, op.round), op.node, does, seconds?.(rows) ?? MERGE * rows)]
    })
    return [
      {
        name,
        level,
        works: new Map([work(name, stages.join(', '), '', LEAST + (STAGE * rows * (1 + stages.length)) / workers)]),
      },
      ...(fits.length > 0 ? [{ name: `after ${name}`, level: level + 0.5, works: new Map(fits) }] : []),
    ]
  })
  return [
    { name: 'fingerprint', level: -1, works: new Map([work('fingerprint', 'files', '', 0)]) },
    ...ofLevels,
    {
      name: 'publish',
      level: levels.length,
      works: new Map([work('publish', 'publishing', '', LEAST + PUBLISH * rows)]),
    },
  ]
}

function fitSaid(node: Node, round: number): { does: string; seconds?: (rows: number) => number } {
  if (isGroupRound(node, round)) return { does: effectOf(node) === 'pair' ? 'makes pairs' : 'compares rows' }
  const rounds = fitRounds(node),
    first = tableRounds(node),
    count = rounds.length - first
  return {
    does: count > 1 ? `learns: round ${round - first + 1} of ${count}` : 'learns',
    seconds: rounds[round].seconds,
  }
}

/** The last pass in which a node has rows. */
const lastLevel = ({ levels }: Plan, id: string): number =>
  levels.reduce(
    (last, ops, level) => (ops.some(op => 'node' in op && op.kind !== 'tally' && op.node === id) ? level : last),
    -1,
  )
