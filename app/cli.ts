/** The command line: which commands there are, what each takes, and what is wrong with what was typed. */
import { checkUsage, listFlags, readArguments } from './arguments.ts'
import { flags, runFlags, type CliValues, type Name } from './flags.ts'
import { stagesCommand } from './stages.ts'
import { EXIT } from '../engine/errors.ts'
import { nearest } from '../engine/graph/messages.ts'
import { terminal as console } from '../engine/terminal.ts'
import {
  runCommand,
  lookAtFiles,
  checkCommand,
  whyCommand,
  showCommand,
  diffCommand,
  sweepCommand,
  verifyCommand,
  reviewCommand,
  cleanCache,
} from './commands.ts'
import { ended } from './ended.ts'
import { runProblems } from './run_as.ts'

interface Command {
  readonly words: string
  readonly about: string
  readonly takes: readonly Name[]
  /** Words at most, and the option that one too many was probably meant for. */
  readonly most: number
  readonly meant?: Name
  work(values: CliValues, words: readonly string[]): number | Promise<number>
}
const commands: Readonly<Record<string, Command>> = {
  look: {
    words: 'FILE…',
    about: 'how the pairs of files would be read, or what is to be said of them, before anything runs',
    takes: ['map', 'presets', 'json'],
    most: Infinity,
    work: lookAtFiles,
  },
  run: {
    words: 'GRAPH [INPUT]…',
    about: 'run a graph (YAML or JSON), over these inputs where some are named',
    takes: Object.keys(runFlags) as Name[],
    most: Infinity,
    work: runCommand,
  },
  check: {
    words: 'GRAPH',
    about: 'find everything that is wrong with a graph, without running it',
    takes: [
      'input',
      'output',
      'graph',
      'map',
      'set',
      'seed',
      'limit',
      'sample',
      'answers',
      'keep-ids',
      'decisions',
      'quiet',
      'no-data',
      'plan',
      'mermaid',
      'json',
    ],
    most: 1,
    meant: 'input',
    work: checkCommand,
  },
  why: {
    words: 'ID [RUN]',
    about: 'why a row was left out or kept: an id, or FILE:ROW',
    takes: ['output', 'json'],
    most: 2,
    work: whyCommand,
  },
  show: {
    words: '[RUN]',
    about: 'rows to read: what one side alone says is marked',
    takes: ['output', 'reason', 'noted', 'made', 'kept', 'lowest', 'between', 'count', 'json'],
    most: 1,
    work: showCommand,
  },
  diff: {
    words: 'RUN [RUN]',
    about: 'rows whose fate two runs differ in, and why: the second is the latest unless named',
    takes: ['output', 'rows', 'count', 'json'],
    most: 2,
    work: diffCommand,
  },
  sweep: {
    words: 'GRAPH STAGE.OPTION=A,B,…',
    about: 'what a graph comes to for several values of an option; publishes nothing',
    takes: [
      ...(Object.keys(runFlags) as Name[]).filter(name => !['anew', 'graph', 'accept-layout'].includes(name)),
      'refit',
    ],
    most: 2,
    work: sweepCommand,
  },
  verify: {
    words: '[RUN]',
    about: 'hold a run against its manifest',
    takes: ['output', 'quiet'],
    most: 1,
    work: verifyCommand,
  },
  review: {
    words: '[RUN]',
    about:
      'decide on the pairs of the list for people, on a page of this machine; decisions go to a file for --decisions',
    takes: ['output', 'decisions', 'list', 'by', 'port'],
    most: 1,
    work: reviewCommand,
  },
  stages: {
    words: '[NAME]…',
    about: 'the stages there are, by what they are for; those of a category, or one with its options',
    takes: ['paper', 'json'],
    most: Infinity,
    work: stagesCommand,
  },
  'clean-cache': {
    words: '',
    about: 'remove what a run keeps for the next one',
    takes: ['output', 'quiet'],
    most: 0,
    meant: 'output',
    work: cleanCache,
  },
}

export const exitCodes =
  'Exit codes: 0 published or nothing new, 64 usage, 65 bad data, none left or a report that refuses it, 66 no input, 69 a server is down, 74 input/output, 75 another run is on, an input is changing or a cap is reached, 78 the graph is wrong, 130/143 interrupted.'

const line = (name: string, { words, about }: Command) => `sluice ${`${name} ${words}`.padEnd(21)} ${about}`
function usage(name?: string): string {
  const some = Object.entries(commands).filter(([other]) => name === undefined || other === name)
  const isTaken = (option: string) =>
    name === undefined || option === 'help' || commands[name].takes.includes(option as Name)
  const options = Object.fromEntries(Object.entries(flags).filter(([option]) => isTaken(option)))
  return `${some.map(([other, command]) => line(other, command)).join('\n')}\n\n${listFlags(options)}\n${exitCodes}`
}

/** Does what the arguments say and returns the exit code; errors go to stderr as one message. */
export function main(argv: readonly string[]): Promise<number> {
  return ended(() => {
    const {
      values,
      words: [name, ...words],
      given,
      problems,
    } = readArguments(argv, flags)
    const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
    if (values.help) {
      console.log(usage(command && name))
      return EXIT.ok
    }
    if (name === undefined && problems.length === 0) {
      console.log(usage())
      return EXIT.usage
    }
    if (name !== undefined && !command) {
      const near = nearest(name, Object.keys(commands))
      problems.push(
        `no command '${name}'${near ? `; did you mean ${near}?` : `; there are ${Object.keys(commands).join(', ')}`}`,
      )
    }
    if (command) {
      // of a command of one graph --graph is that word
      const { takes, most, meant, words: about } = command,
        left = most === 1 && values.graph !== undefined && takes.includes('graph') ? 0 : most
      const taken = takes.length > 0 ? `; it takes ${takes.map(one => `--${one}`).join(', ')}` : ''
      problems.push(
        ...[...given]
          .filter(option => !takes.includes(option as Name))
          .map(option => `\`sluice ${name}\` has no use of --${option}${taken}`),
        ...words
          .slice(left)
          .map(
            word =>
              `'${word}' is one word too many; ${meant ? `did you mean --${meant} ${word}?` : `it is \`sluice ${name} ${about}\``}`,
          ),
        ...runProblems(values),
      )
    }
    checkUsage(command ? `sluice ${name}` : 'sluice', problems)
    return command!.work(values, words)
  })
}
